"""The exit status of a test that is left out: 77 to ctest. Where CI=true that is a failure unless
ROUSE_MAY_LACK names all that is missing, as for the tests in C++ (tests/support/skip.hpp)."""
import os


def status(*missing):
    known = os.environ.get("ROUSE_MAY_LACK", "").split()
    is_fault = os.environ.get("CI") == "true" and not set(missing) <= set(known)
    return 1 if is_fault else 77
