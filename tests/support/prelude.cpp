#include "tests/support/prelude.hpp"
