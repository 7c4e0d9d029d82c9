#include "apps/orcon/cli.hpp"

int main(int argc, char** argv) {
  return orcon::run(argc, argv);
}
