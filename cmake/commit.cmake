# What the sources are of: ROUSE_COMMIT, and as ROUSE_BUILD_DATE its date, so that the same sources give the
# same program. Packagers set SOURCE_DATE_EPOCH.

set(ROUSE_COMMIT "unknown" CACHE STRING "of the sources, where there is no repository to ask")
set(ROUSE_BUILD_DATE "unknown")
find_program(ROUSE_GIT git)
if(ROUSE_GIT AND EXISTS ${PROJECT_SOURCE_DIR}/.git)
  execute_process(
    COMMAND ${CMAKE_COMMAND} -E env TZ=UTC ${ROUSE_GIT} -C ${PROJECT_SOURCE_DIR} log -1 --format=%h/%cd
      "--date=format-local:%Y-%m-%dT%H:%M:%SZ"
    OUTPUT_VARIABLE found OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET
    RESULT_VARIABLE failed)
  if(NOT failed AND found MATCHES "^([0-9a-f]+)/(.+)$")
    set(ROUSE_COMMIT ${CMAKE_MATCH_1})
    set(ROUSE_BUILD_DATE ${CMAKE_MATCH_2})
  endif()
endif()
if(DEFINED ENV{SOURCE_DATE_EPOCH})
  string(TIMESTAMP ROUSE_BUILD_DATE "%Y-%m-%dT%H:%M:%SZ" UTC)  # it takes the date from there
endif()
