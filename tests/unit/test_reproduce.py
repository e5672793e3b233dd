from earmark.cli.reproduce import differences


def test_numbers_that_differ_are_named_and_seconds_may():
    before = {"set": {"pass@1": {"wer": 5.0, "gen_seconds": 3, "latency": {"p50": 1}, "n": 2}}}
    after = {"set": {"pass@1": {"wer": 5.1, "gen_seconds": 9, "latency": {"p50": 7}}}}
    assert list(differences(before, after)) == [
        "set.pass@1.wer: 5.0 before, 5.1 now",
        "set.pass@1.n: 2 before, None now",
    ]
    assert not list(differences(before, before))
