#define CAF_SUITE apps.map_inputs

#include <thread>

#include "apps/orcon/map/map_options.hpp"
#include "tests/support/program.hpp"

// Inputs, placeholders and options of `orcon map`, as GNU parallel has them.
using namespace orcon::test;

CAF_TEST(parts of a path) {
  const bench b;
  const auto parts = [&](const std::string& input) {
    return b
      .run("orcon map -q -- printf '%s|' {.} {/} {//} {/.} {} ::: " + input)
      .out;
  };
  CAF_CHECK_EQUAL(parts("sub/a.tar.gz"),
                  "sub/a.tar|a.tar.gz|sub|a.tar|sub/a.tar.gz|");
  CAF_CHECK_EQUAL(parts("plain"), "plain|plain|.|plain|plain|");
  CAF_CHECK_EQUAL(parts("/x.y/z"), "/x.y/z|z|/x.y|z|/x.y/z|");
  CAF_CHECK_EQUAL(parts("/z"), "/z|z|/|z|/z|");
  CAF_CHECK_EQUAL(parts("a//b.c"), "a//b|b.c|a|b|a//b.c|");
  CAF_CHECK_EQUAL(parts("\"'\""), "'|'|.|'|'|");
}

CAF_TEST(unknown placeholders are refused with the nearest one) {
  const bench b;
  const auto refused = [&](const std::string& word, const std::string& near) {
    const auto r = b.run("orcon map --db x.db touch x" + word + " ::: a");
    CAF_MESSAGE(word << ": " << r.out);
    CAF_CHECK_EQUAL(r.code, 2);
    CAF_CHECK(r.says("there is no placeholder " + word + "; did you mean "
                     + near + "?"));
  };
  refused("{..}", "{.}");
  refused("{+/}", "{/}");
  refused("{/..}", "{/.}");
  refused("{##}", "{#}");
  refused("{%%}", "{%}");
  refused("{0}", "{}");
  const auto list = b.run("orcon map --db x.db echo {2} ::: a");
  CAF_CHECK_EQUAL(list.code, 2);
  CAF_CHECK(list.says("{2}: there is no list 2 of inputs"));
  CAF_CHECK_EQUAL(b.run("ls x* 2>/dev/null").out, "");
  // Braces of other languages stay; a slip of the finger gets a warning.
  CAF_CHECK_EQUAL(
    b.run("orcon map -q echo '{print $1} a{2,3} {a:b}' ::: x").out,
    "{print $1} a{2,3} {a:b} x\n");
  CAF_CHECK(b.run("orcon map --dry-run echo {itme} ::: x")
              .says("{itme} is not a placeholder and stays as it is; did you "
                    "mean {item}?"));
}

CAF_TEST(lists are combined and linked) {
  const bench b;
  const auto out = [&](const std::string& words) {
    return b.run("orcon map -q -k echo " + words + " | tr '\\n' ' '").out;
  };
  CAF_CHECK_EQUAL(out("{1}{2} ::: a b ::: 1 2"), "a1 a2 b1 b2 ");
  CAF_CHECK_EQUAL(out("::: a b ::: 1 2 | tr ' ' -"), "a-1 a-2 b-1 b-2 ");
  CAF_CHECK_EQUAL(out("{2}{1} ::: a b :::+ 1 2 3"), "1a 2b ");
  CAF_CHECK_EQUAL(out("{1}{2}{3} ::: a b :::+ 1 2 ::: x y"),
                  "a1x a1y b2x b2y ");
  CAF_CHECK_EQUAL(out("{1/.}{-1} ::: d/a.c ::: 1"), "a1 ");
  b.write("l", "p\nq\n");
  b.write("m", "7\n8\n");
  CAF_CHECK_EQUAL(out("{} :::: l"), "p q ");
  CAF_CHECK_EQUAL(out("{1}{2} :::: l m"), "p7 p8 q7 q8 ");
  CAF_CHECK_EQUAL(out("{1}{2} :::: l ::::+ m"), "p7 q8 ");
  CAF_CHECK_EQUAL(out("{1}{2} ::: a :::: -"), "");
  CAF_CHECK_EQUAL(
    b.run("seq 2 | orcon map -q -k -a l echo {1}{2} :::: - | tr '\\n' ' '").out,
    "p1 p2 q1 q2 ");
  for (const auto* wrong :
       {":::+ a", ":::: ", ":::: gone", ":::: - :::: -", "{} -- :::+ a"})
    CAF_CHECK(
      b.run("orcon map --db x.db echo " + std::string{wrong} + " </dev/null")
        .code
      >= 2);
  CAF_CHECK_EQUAL(b.run("orcon map --db x.db -n 2 echo ::: a ::: b").code, 2);
  CAF_CHECK_EQUAL(b.run("ls x* 2>/dev/null").out, "");
}

CAF_TEST(inputs in files end with what one says) {
  const bench b;
  CAF_CHECK_EQUAL(b.run("printf 'a b\\0c\\nd\\0' | orcon map -q -k -0 printf "
                        "'<%s>'")
                    .out,
                  "<a b><c\nd>");
  CAF_CHECK_EQUAL(b.run("printf a,b,c | orcon map -q -k -d , echo").out,
                  "a\nb\nc\n");
  CAF_CHECK_EQUAL(b.run("printf 'a\\tb' | orcon map -q -k -d '\\t' echo").out,
                  "a\nb\n");
  CAF_CHECK_EQUAL(b.run("printf 'a;b' | orcon map -q -k -d '\\x3b' echo").out,
                  "a\nb\n");
  const auto bad = b.run("echo a | orcon map --db x.db -d ab echo");
  CAF_CHECK_EQUAL(bad.code, 2);
  CAF_CHECK(bad.says("--delimiter: \"ab\" is not one character"));
}

CAF_TEST(inputs may be any bytes) {
  const bench b;
  const std::string all = "printf 'a\\xff b\\0\\xfe/\\xe4.c\\0good\\0'";
  CAF_CHECK_EQUAL(
    b.run(all
          + " | orcon map -q -k -0 printf '<%s|%s>' {} {/.} | od -An -c "
            "| tr -d ' \\n'")
      .out,
    "<a377b|a377b><376/344.c|344><good|good>");
  CAF_CHECK_EQUAL(b.run(all
                        + " | orcon map -q -k -0 -c 'printf %s {}; printf %s "
                          "\"$ORCON_ITEM\"' | od -An -c | tr -d ' \\n'")
                    .out,
                  "a377ba377b376/344.c376/344.cgoodgood");
  CAF_CHECK_EQUAL(b.run("orcon map -q printf %s ::: $'\\xff' | od -An -c | tr "
                        "-d ' \\n'")
                    .out,
                  "377");
  // In the row they are base 64, as an output is.
  CAF_CHECK(b.run("orcon map -q -o jsonl true ::: $'\\xff'")
              .says("\"item\":{\"bytes_base64\":\"/w==\"}"));
  CAF_CHECK_EQUAL(b.run("orcon map echo $'\\xff' ::: a").code, 2);
  b.verify();
}

CAF_TEST(the shell mode quotes every byte) {
  const bench b;
  // Every byte but NUL, and what a shell would run.
  b.run("perl -e 'print chr for 1..255' > bytes; printf '$(touch bad)' > cmd; "
        "printf '`touch bad`;touch bad' > cmd2; printf \"';touch bad;'\" > "
        "cmd3; printf '\\\"; touch bad; \\\"' > cmd4; printf '' > none; printf "
        "'x\\ntouch bad\\n' > line; printf -- '-n' > dash");
  for (const auto* form :
       {"printf %s {}", "printf %s \"{}\"", "printf %s '{}'",
        "printf %s \"$(printf %s {}; echo .)\" | sed \"s/[.]$//\" | head -c "
        "$(wc -c < $ORCON_INPUT)",
        "# it's {}\nprintf %s {}", "(printf %s {})", "v={}; printf %s \"$v\""})
    for (const auto* file :
         {"bytes", "cmd", "cmd2", "cmd3", "cmd4", "none", "line", "dash"}) {
      b.write("text", form);
      const auto r
        = b.run("export ORCON_INPUT=" + std::string{file} + "; (cat " + file
                + "; printf '\\0') | orcon map -q -0 --env ORCON_INPUT -c "
                  "\"$(cat text)\" "
                  "> out; cmp out "
                + file);
      CAF_MESSAGE(form << " of " << file << ": " << r.out);
      CAF_CHECK_EQUAL(r.code, 0);
    }
  CAF_CHECK(!fs::exists(b.folder / "bad"));
  CAF_CHECK_EQUAL(b.run("orcon map -q -c 'echo {}>two' ::: 2; cat two").out,
                  "2\n");
  for (const auto* unsafe :
       {"cat <<E\n{}\nE", "echo `echo {}`", "echo ${x:-{}}", "echo $((1+{}))",
        "echo ${}", "x=$(case a in a) echo {};; esac)", "echo $'\\'{}'"}) {
    b.write("text", unsafe);
    const auto r = b.run("orcon map --db x.db -c \"$(cat text)\" ::: a");
    CAF_MESSAGE(unsafe << ": " << r.out);
    CAF_CHECK_EQUAL(r.code, 2);
    CAF_CHECK(r.says("-c: an input cannot"));
  }
}

CAF_TEST(the unsafe form gets a warning) {
  const bench b;
  const auto warns = [&](const std::string& words) {
    return b.run("orcon map --dry-run " + words + " ::: a")
      .says("warning: the shell runs what an input contains");
  };
  CAF_CHECK(warns("sh -c 'echo {}'"));
  CAF_CHECK(warns("-- /bin/bash -ec 'echo {.}'"));
  CAF_CHECK(!warns("sh -c 'echo \"$1\"' sh {}"));
  CAF_CHECK(!warns("-c 'echo {}'"));
  CAF_CHECK(!warns("-q sh -c 'echo {}'"));
}

CAF_TEST(several inputs in one command) {
  const bench b;
  CAF_CHECK_EQUAL(b.run("seq 7 | orcon map -q -k -n 3 echo").out,
                  "1 2 3\n4 5 6\n7\n");
  CAF_CHECK_EQUAL(b.run("seq 3 | orcon map -q -k -n 2 echo {2}:{1} {}").out,
                  "2:1 1 2\n:3 3\n");
  CAF_CHECK_EQUAL(b.run("orcon map -q -k -j2 -X echo a{}b ::: 1 2 3 4").out,
                  "a1b a2b\na3b a4b\n");
  b.write("a b", "1");
  b.write("c", "2");
  CAF_CHECK_EQUAL(b.run("orcon map -q -n 2 -c 'cat {}' ::: 'a b' c").out, "12");
  // As many as fit: every input once, in commands that the system takes.
  const auto r = b.run("seq 100000 | orcon map -q -k -j2 -X echo | tee all | "
                       "tr ' ' '\\n' | cmp - <(seq 100000) && wc -l < all");
  CAF_CHECK_EQUAL(r.code, 0);
  CAF_CHECK_EQUAL(r.out, "6\n");
}

CAF_TEST(job slots have numbers) {
  const bench b;
  CAF_CHECK_EQUAL(b.run("orcon map -q -j2 -c 'sleep 0.2; echo {%}' ::: 1 2 3 4 "
                        "| sort | uniq -c | tr -s ' '")
                    .out,
                  " 2 1\n 2 2\n");
  CAF_CHECK_EQUAL(b.run("orcon map -q -j1 -k echo {%} {#} ::: a b").out,
                  "1 1\n1 2\n");
  CAF_CHECK_EQUAL(b.run("orcon map --dry-run echo {%} {} ::: a").out,
                  "echo '{%}' a\n");
}

CAF_TEST(the first word that is no option begins the command) {
  const bench b;
  CAF_CHECK_EQUAL(
    b.run("orcon --db y.db map -k -j 2 -q echo -n {} --db ::: a").out,
    "a --db");
  CAF_CHECK_EQUAL(b.run("orcon map -qkj2 -- echo -- {} ::: a").out, "-- a\n");
  CAF_CHECK_EQUAL(b.run("orcon map --dry-run --name map map {} ::: a").out,
                  "map a\n");
  CAF_CHECK_EQUAL(b.run("orcon map -q ::: a").code, 2);
  CAF_CHECK_EQUAL(b.run("orcon map --nosuch echo ::: a").code, 2);
}

CAF_TEST(jobs are counted as in GNU parallel) {
  using orcon::jobs_of;
  const auto cores = std::max(1u, std::thread::hardware_concurrency());
  CAF_CHECK_EQUAL(*jobs_of(""), 0u);
  CAF_CHECK_EQUAL(*jobs_of("3"), 3u);
  CAF_CHECK_EQUAL(*jobs_of("+1"), cores + 1);
  CAF_CHECK_EQUAL(*jobs_of("-1"), std::max(1u, cores - 1));
  CAF_CHECK_EQUAL(*jobs_of("-1000"), 1u);
  CAF_CHECK_EQUAL(*jobs_of("300%"), cores * 3);
  CAF_CHECK_EQUAL(*jobs_of("1%"), 1u);
  CAF_CHECK(*jobs_of("0") >= 100);
  for (const auto* bad : {"x", "1x", "+", "%", "1.5", "200000", "++1", "+1%"})
    CAF_CHECK(!jobs_of(bad));
  const bench b;
  const auto r = b.run("orcon map -j some --db x.db echo ::: a");
  CAF_CHECK_EQUAL(r.code, 2);
  CAF_CHECK(r.says("--jobs: \"some\" is not a number of commands"));
}
