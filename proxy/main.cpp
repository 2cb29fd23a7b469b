#include "proxy/cli/commands.hpp"

int main(int argc, char** argv) {
  rouse::CommandLine line(rouse::rouse_program());
  rouse::add_commands(line);
  return line.run(argc, argv);
}
