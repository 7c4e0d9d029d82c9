#pragma once

namespace CLI {
class App;
class ParseError;
} // namespace CLI

namespace orcon {

/// Says on stderr what is wrong with a command line, and what was probably
/// meant; or prints the help that was asked for. Returns the exit code.
int explain(const CLI::App& app, const CLI::ParseError& trouble);

} // namespace orcon
