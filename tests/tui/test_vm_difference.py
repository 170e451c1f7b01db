"""A difference as lines: git's own text with numbers, whatever is in it, opened at once."""

import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.viewmodel.difference import DiffModel
from tui.viewmodel.lines import text

SMALL = """\
diff --git a/src/a.py b/src/a.py
index 111..222 100644
--- a/src/a.py
+++ b/src/a.py
@@ -8,4 +8,4 @@ def first():
 keep
-old
+new
 tail
\\ No newline at end of file
@@ -100 +100,2 @@
 x
+y
diff --git a/old name.py b/new name.py
similarity index 90%
rename from old name.py
rename to new name.py
diff --git a/pic.png b/pic.png
Binary files a/pic.png and b/pic.png differ
"""


def shown(model):
    return [text(model.line(number)) for number in range(len(model))]


def inks(model, number):
    return [span.ink for span in model.line(number)]


def test_files_hunks_and_numbers():
    model = DiffModel(SMALL)
    assert model.files == [0, 10, 11]
    assert model.paths == ["src/a.py", "old name.py → new name.py", "pic.png"]
    assert model.hunks == [1, 7]
    assert model.total == "3 files +2 -1"
    assert shown(model) == [
        "src/a.py  +2 -1",
        "@@ -8,4 +8,4 @@ def first():",
        "  8   8  keep",
        "  9     -old",
        "      9 +new",
        " 10  10  tail",
        "        \\ No newline at end of file",
        "@@ -100 +100,2 @@",
        "100 100  x",
        "    101 +y",
        "old name.py → new name.py  renamed",
        "pic.png",
        "Binary files a/pic.png and b/pic.png differ",
    ]


def test_a_new_file_a_deleted_one_and_another_mode_are_said_in_words():
    heads = ("new file mode 100644\nindex 0..1\n--- /dev/null\n+++ b/x", "old mode 100644\nnew mode 100755")
    model = DiffModel("".join(f"diff --git a/x b/x\n{head}\n" for head in (*heads, "deleted file mode 100644")))
    assert shown(model) == ["x  new", "x", "old mode 100644", "new mode 100755", "x  deleted"]
    assert DiffModel("diff --git a/x b/x\nnew file mode 100755\n").find("100755") == [1]


def test_each_line_has_the_ink_of_what_it_is():
    model = DiffModel(SMALL)
    assert inks(model, 0) == ["file", "add", "remove"]
    assert [inks(model, number)[-1] for number in (12, 1, 2, 3, 4, 6)] == ["dim", "hunk", "", "remove", "add", "dim"]


def test_removed_lines_that_look_like_heads_are_lines():
    model = DiffModel("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- comment\n+++ more\n")
    assert [inks(model, number)[-1] for number in (2, 3)] == ["remove", "add"]
    assert shown(model)[0] == "x  +1 -1"


def test_what_is_missing_at_the_end_is_counted():
    model = DiffModel(SMALL, cut=1_234_567)
    assert shown(model)[-1] == "(1,234,567 bytes more are not shown)"
    assert len(model) == 14


def test_nothing_is_no_line():
    assert len(DiffModel("")) == 0
    with pytest.raises(IndexError):
        DiffModel("").line(0)


def test_a_search_finds_lines():
    model = DiffModel(SMALL)
    assert model.find("OLD") == []
    assert model.find("old") == [3, 10]


def test_a_line_of_a_megabyte_is_cut():
    model = DiffModel(f"diff --git a/x b/x\n@@ -0,0 +1 @@\n+{'x' * 1_000_000}\n")
    assert len(text(model.line(2))) < 3_000


@given(st.text(max_size=300), st.text(max_size=100))
def test_any_text_has_as_many_harmless_lines_as_it_has_lines(one, other):
    model = DiffModel(f"{one}diff --git a/x b/x\n@@ -1,3 +1,3 @@\n{other}")
    rows = shown(model)
    assert len(rows) == len(model)
    assert not any(set(row) & set("\n\r\x1b\x9b\u202e") for row in rows)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from("abcdef"), max_size=30), st.lists(st.sampled_from("abcdefx"), max_size=30))
def test_the_numbers_are_those_of_the_files(tmp_path_factory, old, new):
    folder = tmp_path_factory.mktemp("diff")
    for name, lines in (("old", old), ("new", new)):
        (folder / name).write_text("".join(f"{line}\n" for line in lines))
    told = subprocess.run(
        ["git", "diff", "--no-index", "-U1", "old", "new"], cwd=folder, capture_output=True, text=True, check=False
    ).stdout
    model = DiffModel(told)
    for number in range(len(model)):
        spans = model.line(number)
        if len(spans) == 2 and spans[1].text[:1] in {" ", "+", "-"} and number > 1:
            left, right = (
                spans[0].text[: len(spans[0].text) // 2].strip(),
                spans[0].text[len(spans[0].text) // 2 :].strip(),
            )
            assert not left or old[int(left) - 1] == spans[1].text[1:]
            assert not right or new[int(right) - 1] == spans[1].text[1:]


def test_ten_thousand_lines_open_without_being_read_one_by_one():
    hunk = "@@ -{0},10 +{0},10 @@ def f\n" + " some line of code\n" * 8 + "-old\n+new\n"
    big = "diff --git a/x b/x\n--- a/x\n+++ b/x\n" + "".join(hunk.format(n * 20 + 1) for n in range(909))
    best = min(_opened(big) for _ in range(5))
    assert len(DiffModel(big)) >= 10_000
    assert best < 0.05  # 3 ms here; what a screen may take at most


def _opened(big: str) -> float:
    begin = time.process_time()
    model = DiffModel(big)
    for number in range(5_000, 5_060):
        model.line(number)
    return time.process_time() - begin
