# What `cmake --install` puts where, and (with CPack) the two Debian packages. The components are the
# packages: rouse and suspendd.

include(GNUInstallDirs)

# The manuals and completions of a program, which it prints itself; page: the one of its configuration,
# of which the example has every key.
function(rouse_install_docs component program page example)
  find_program(ROUSE_GZIP gzip REQUIRED)
  install(CODE "set(ROUSE_PROGRAM \"${program}\")
set(ROUSE_BUILT \"$<TARGET_FILE:${program}>\")
set(ROUSE_PAGE \"${page}\")
set(ROUSE_EXAMPLE \"${PROJECT_SOURCE_DIR}/${example}\")
set(ROUSE_MADE \"${PROJECT_BINARY_DIR}/packages\")
set(ROUSE_GZIP \"${ROUSE_GZIP}\")" COMPONENT ${component})
  install(SCRIPT ${PROJECT_SOURCE_DIR}/cmake/install_docs.cmake COMPONENT ${component})
endfunction()

# The service files name the programs' path, and /etc is where the prefix says: both are known only
# when it is installed.
function(rouse_install_service component program)
  install(CODE "set(ROUSE_PROGRAM \"${program}\")\nset(ROUSE_SOURCE_DIR \"${PROJECT_SOURCE_DIR}\")"
    COMPONENT ${component})
  install(SCRIPT ${PROJECT_SOURCE_DIR}/cmake/install_service.cmake COMPONENT ${component})
  install(FILES ${PROJECT_SOURCE_DIR}/systemd/copyright
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${program} COMPONENT ${component})
  set(made ${PROJECT_BINARY_DIR}/packages/${program})
  configure_file(${PROJECT_SOURCE_DIR}/systemd/deb/changelog ${made}/changelog @ONLY)
  configure_file(${PROJECT_SOURCE_DIR}/CHANGELOG.md ${made}/CHANGELOG.md COPYONLY)
  find_program(ROUSE_GZIP gzip REQUIRED)
  foreach(page changelog CHANGELOG.md)
    execute_process(COMMAND ${ROUSE_GZIP} -9nc ${made}/${page} OUTPUT_FILE ${made}/${page}.gz
      COMMAND_ERROR_IS_FATAL ANY)
    install(FILES ${made}/${page}.gz DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${program}
      COMPONENT ${component})
  endforeach()
  # CPack takes maintainer scripts by their file names.
  file(READ ${PROJECT_SOURCE_DIR}/systemd/deb/common.sh common)
  set(control)
  foreach(script postinst prerm postrm)
    file(READ ${PROJECT_SOURCE_DIR}/systemd/deb/${program}/${script} text)
    if(script STREQUAL postinst)
      file(WRITE ${made}/${script} "#!/bin/sh\n${common}\n${text}")
    else()
      file(WRITE ${made}/${script} "#!/bin/sh\nset -e\n${text}")
    endif()
    file(CHMOD ${made}/${script} PERMISSIONS
      OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
    list(APPEND control ${made}/${script})
  endforeach()
  set(conffiles "/etc/default/${program}\n/etc/rouse/config.yaml\n")
  if(program STREQUAL rouse-suspendd)
    set(conffiles "/etc/default/${program}\n/etc/rouse/suspendd.yaml\n")
  endif()
  file(WRITE ${made}/conffiles "${conffiles}")
  list(APPEND control ${made}/conffiles)
  string(TOUPPER ${component} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${program} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${control}" PARENT_SCOPE)
endfunction()

# A host that each machine takes for itself: the default once, which a build folder may remember.
if(ROUSE_MAINTAINER MATCHES "@localhost>$")
  unset(ROUSE_MAINTAINER CACHE)
endif()
set(ROUSE_MAINTAINER "The rouse authors <rouse@example.org>" CACHE STRING
  "Of the packages, as NAME <MAIL>: whoever hands them on")
set(CPACK_PACKAGE_CONTACT "${ROUSE_MAINTAINER}")
set(CPACK_PACKAGE_VENDOR rouse)
set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL)

if(TARGET rouse)
  install(TARGETS rouse RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT rouse)
  install(FILES config.example.yaml DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/rouse/examples
    COMPONENT rouse)
  install(FILES config.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/rouse COMPONENT rouse)
  rouse_install_service(rouse rouse)
  rouse_install_docs(rouse rouse rouse.yaml config.example.yaml)
  list(APPEND CPACK_COMPONENTS_ALL rouse)
endif()
if(TARGET rouse-suspendd)
  install(TARGETS rouse-suspendd RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT suspendd)
  install(FILES systemd/50-rouse-wol.link suspendd.example.yaml
    DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/rouse-suspendd/examples COMPONENT suspendd)
  install(FILES suspendd.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/rouse COMPONENT suspendd)
  rouse_install_service(suspendd rouse-suspendd)
  rouse_install_docs(suspendd rouse-suspendd suspendd.yaml suspendd.example.yaml)
  list(APPEND CPACK_COMPONENTS_ALL suspendd)
endif()

set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)  # some of it lies in /etc
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/cmake/package_tools.cmake)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
# For users and folders; the standalone programs serve a container without systemd.
set(rouse_needs "init-system-helpers (>= 1.54), systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles")
set(CPACK_DEBIAN_ROUSE_PACKAGE_DEPENDS "${rouse_needs}")
set(CPACK_DEBIAN_ROUSE_PACKAGE_SUGGESTS "rouse-suspendd")
set(CPACK_COMPONENT_ROUSE_DESCRIPTION
  "proxy that starts language model engines on demand
rouse stands in front of language model engines (llama-server, vLLM, anything
that speaks HTTP) and starts and stops them on demand. A request names a model;
rouse makes room for it, starts its engine, holds the request meanwhile and
streams the answer. It can also wake another machine and forward to it.")
# logind lets the daemon's user suspend by a rule of polkit's, and asks it on the bus.
set(CPACK_DEBIAN_SUSPENDD_PACKAGE_DEPENDS
  "init-system-helpers (>= 1.54), systemd, default-dbus-system-bus | dbus-system-bus, polkitd")
set(CPACK_DEBIAN_SUSPENDD_PACKAGE_RECOMMENDS "rouse, libpam-systemd, ethtool")
set(CPACK_COMPONENT_SUSPENDD_DESCRIPTION
  "lets a machine with a GPU sleep while nobody needs it
rouse-suspendd suspends the machine when no check finds it in use, after a
handshake with rouse by which no request is lost, and makes sure that a magic
packet wakes it again. A fresh installation only says what it would do.")
include(CPack)
