# Read by cpack before it makes a package. Without dpkg-shlibdeps it would make one that names no
# library, installs everywhere, and runs nowhere.
foreach(tool file:file dpkg-shlibdeps:dpkg-dev)
  string(REGEX MATCH "^[^:]*" program ${tool})
  string(REGEX MATCH "[^:]*$" package ${tool})
  find_program(found_${program} ${program})
  if(NOT found_${program})
    message(FATAL_ERROR "There is no ${program}, by which a package learns what it depends on: "
      "no package was made. It is in Debian's package ${package}; scripts/package installs it.")
  endif()
endforeach()
