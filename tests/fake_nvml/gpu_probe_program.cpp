// The helper of the GPU probe, started by tests as `gpu_probe_program gpu-probe …`, as the daemon
// starts itself.
#include "suspendd/gpu/probe_program.hpp"

int main(int argc, char** argv) {
  return rouse::suspendd::run_gpu_probe({argv + 2, argv + (argc < 2 ? 2 : argc)});
}
