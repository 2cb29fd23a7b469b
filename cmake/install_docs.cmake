# Run at install time with ROUSE_PROGRAM (its name), ROUSE_BUILT (where it was built), ROUSE_EXAMPLE (a
# configuration with every key), ROUSE_PAGE (of its configuration) and ROUSE_GZIP: the program itself
# prints its manual and its completions, so that they cannot be forgotten, or be those of another one.

cmake_policy(VERSION 3.25)
set(prefix "${CMAKE_INSTALL_PREFIX}")
set(made "${ROUSE_MADE}/${ROUSE_PROGRAM}")
file(MAKE_DIRECTORY "${made}")

# Prints a document into FOLDER/FILE; with ZIPPED, as Debian keeps manuals.
function(place_document what folder file)
  set(printed "${made}/${file}")
  execute_process(COMMAND "${ROUSE_BUILT}" docs ${what} --example "${ROUSE_EXAMPLE}"
    OUTPUT_FILE "${printed}" COMMAND_ERROR_IS_FATAL ANY)
  if("ZIPPED" IN_LIST ARGN)
    execute_process(COMMAND "${ROUSE_GZIP}" -9nc "${printed}" OUTPUT_FILE "${printed}.gz"
      COMMAND_ERROR_IS_FATAL ANY)
    set(printed "${printed}.gz")
  endif()
  file(INSTALL DESTINATION "${prefix}/share/${folder}" TYPE FILE FILES "${printed}")
  set(CMAKE_INSTALL_MANIFEST_FILES "${CMAKE_INSTALL_MANIFEST_FILES}" PARENT_SCOPE)
endfunction()

place_document(man man/man1 ${ROUSE_PROGRAM}.1 ZIPPED)
place_document(config-man man/man5 ${ROUSE_PAGE}.5 ZIPPED)
place_document(bash bash-completion/completions ${ROUSE_PROGRAM})
# What belongs to no package is looked for in another folder.
set(zsh zsh/site-functions)
if(prefix STREQUAL "/usr")
  set(zsh zsh/vendor-completions)
endif()
place_document(zsh ${zsh} _${ROUSE_PROGRAM})
place_document(fish fish/vendor_completions.d ${ROUSE_PROGRAM}.fish)
