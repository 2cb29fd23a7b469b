// The one place where the compiled parts of Asio and Beast live (see the definitions in
// cmake/toolbox.cmake).
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
