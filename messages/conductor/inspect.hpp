#pragma once

/// Gives a message struct what every message needs: comparison, and an
/// inspector listing its fields (CAF prints and serialises through it).
/// Fields are written as members of `x`: CONDUCTOR_MESSAGE(lease, x.first).
/// No CAF header is needed here: the inspector is a template parameter.
#define CONDUCTOR_MESSAGE(type, ...)                                           \
  friend bool operator==(const type&, const type&) = default;                  \
  template <class Inspector>                                                   \
  friend auto inspect(Inspector& f, type& x) {                                 \
    return f(__VA_ARGS__);                                                     \
  }

/// The same for a message without fields.
#define CONDUCTOR_EMPTY_MESSAGE(type)                                          \
  friend bool operator==(const type&, const type&) = default;                  \
  template <class Inspector>                                                   \
  friend auto inspect(Inspector& f, type&) {                                   \
    return f();                                                                \
  }
