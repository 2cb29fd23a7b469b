// A make-believe libcuda.so.1: cuInit returns what the environment's FAKE_CUDA says.
#include <cstdlib>

extern "C" int cuInit(unsigned int) {
  const char* code = std::getenv("FAKE_CUDA");
  return code == nullptr ? 0 : std::atoi(code);
}

extern "C" int cuGetErrorName(int code, const char** name) {
  *name = code == 999 ? "CUDA_ERROR_UNKNOWN" : "CUDA_ERROR";
  return 0;
}
