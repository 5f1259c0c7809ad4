"""Generated parts of pages stand between two comments, which exist once."""

import pytest

from docs.parts import part, replaced

PAGE = "Before.\n\n<!-- begin one: by `make docs` -->\n\nold\n\n<!-- end one -->\n\nAfter.\n"


def test_only_the_part_is_replaced_and_nothing_in_it_is_a_pattern():
    assert part(PAGE, "one") == "\nold\n\n"
    assert replaced(PAGE, "one", r"new \1\n") == PAGE.replace("old", r"new \1\n")


@pytest.mark.parametrize("page", ["Before.\n", PAGE + PAGE, PAGE.replace("end one", "end two")])
def test_a_page_without_the_part_or_with_two_is_refused(page):
    for ask in (lambda: replaced(page, "one", "new"), lambda: part(page, "one")):
        with pytest.raises(ValueError, match="between `begin one` and `end one`"):
            ask()


def test_the_name_is_the_whole_name():
    longer = PAGE.replace("one", "one-more")
    assert replaced(longer + PAGE, "one", "new") == longer + PAGE.replace("old", "new")
