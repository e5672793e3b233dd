"""Which files hold a split."""

from __future__ import annotations

import pytest

from earmark.data.hub.layout import matching, split_files
from earmark.errors import EarmarkError

PATHS = [
    "README.md", "ami/test-00000-of-00002.parquet", "ami/test-00001-of-00002.parquet",
    "librispeech/test.clean-00000-of-00001.parquet", "librispeech/test.other-00000.parquet",
    "deep/er/x.parquet", "data/train-0.parquet",
]  # fmt: skip
README = """---
configs:
- config_name: ami
  data_files:
  - {split: test, path: ami/test-*}
- config_name: librispeech
  data_files:
  - {split: test.clean, path: librispeech/test.clean-*}
  - {split: test.other, path: ["librispeech/test.other-*"]}
---
# text
"""


def test_the_readme_says_which_files_a_split_has():
    assert split_files(PATHS, README, "librispeech", "test.clean", "x") == [PATHS[3]]
    assert split_files(PATHS, README, "librispeech", "test.other", "x") == [PATHS[4]]
    assert split_files(PATHS, README, "ami", "test", "x") == PATHS[1:3]


def test_a_configuration_may_name_a_folder_alone():
    readme = "---\nconfigs:\n- {config_name: a, data_dir: x/a}\n- {config_name: b, data_dir: ./x/b/"
    paths = ["x/a/test-0.parquet", "x/b/data/test-0.parquet", "x/b/train-0.parquet"]
    for name, folder in {"a": "x/a/", "b": "x/b/data/"}.items():
        assert split_files(paths, f"{readme}}}\n---\n", name, "test", "x") == [
            f"{folder}test-0.parquet"
        ]
    default = f"{readme}, default: true}}\n---\n"
    assert split_files(paths, default, None, "test", "x") == ["x/b/data/test-0.parquet"]
    with pytest.raises(EarmarkError, match="several configurations"):
        split_files(paths, f"{readme}}}\n---\n", None, "test", "x")


def test_without_a_readme_files_are_known_by_name():
    assert split_files(PATHS, None, "ami", "test", "x") == PATHS[1:3]
    assert split_files(PATHS, "# no block", None, "train", "x") == ["data/train-0.parquet"]


@pytest.mark.parametrize(
    ("config", "split", "says"),
    [
        ("amy", "test", "no configuration 'amy'.* one of ami, librispeech"),
        ("librispeech", "test", "no split 'test' .* one of test.clean, test.other"),
        (None, "test", "several configurations.* one of ami, librispeech"),
    ],
)
def test_a_name_that_is_not_there_is_told_with_those_that_are(config, split, says):
    with pytest.raises(EarmarkError, match=says):
        split_files(PATHS, README, config, split, "x/y")


def test_a_set_without_rows_says_what_to_name():
    with pytest.raises(EarmarkError, match=r"source\.files"):
        split_files(["a.tar"], None, None, "test", "x/y")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("ami/*", PATHS[1:3]),
        ("*/test-*", PATHS[1:3]),
        ("**/*.parquet", sorted(PATHS[1:])),
        ("deep/**", ["deep/er/x.parquet"]),
        ("ami/test-0000[1]*", [PATHS[2]]),
        ("{ami,data}/t*", [*PATHS[1:3], PATHS[6]]),
        ("*.parquet", []),
    ],
)
def test_globs_are_those_of_the_hub(pattern, found):
    assert matching(pattern, PATHS) == found
