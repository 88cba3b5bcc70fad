"""The tests; a package, so that one test module can use what another folder offers."""
