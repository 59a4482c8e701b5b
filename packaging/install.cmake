# At installation, when the prefix is known: the unit, and a configuration where there is none. CMakeLists.txt sets
# SOURCE, BUILD, BINDIR, DOCDIR and EXAMPLE.
set(PREFIX ${CMAKE_INSTALL_PREFIX})
# As GNUInstallDirs has it: what belongs to /usr is configured in /etc.
if(PREFIX STREQUAL "/usr" OR PREFIX STREQUAL "/")
  set(CONF_DIR /etc/coffer)
else()
  set(CONF_DIR ${PREFIX}/etc/coffer)
endif()
set(BIN_DIR ${PREFIX}/${BINDIR})
set(DOC_DIR ${PREFIX}/${DOCDIR})

configure_file(${SOURCE}/systemd/coffer.service.in ${BUILD}/coffer.service @ONLY)
file(INSTALL ${BUILD}/coffer.service DESTINATION ${PREFIX}/lib/systemd/system)

# What an operator has written stays.
if(NOT EXISTS $ENV{DESTDIR}${CONF_DIR}/coffer.conf)
  file(INSTALL ${EXAMPLE} DESTINATION ${CONF_DIR} RENAME coffer.conf)
endif()
