# For folders of test programs: whatever the preset, nobody waits for these, but for their compilation.
if(CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  add_compile_options(-O0)
endif()
