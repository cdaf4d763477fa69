"""The summary of all drills, behind the results of the tests."""

from salt_o2.cluster.faults.outcome import as_text, summary


def pytest_terminal_summary(terminalreporter):
    """Print the sums over all drills of this session, also over those of other test processes."""
    reports = [each for group in terminalreporter.stats.values() for each in group]
    told_by = [dict(getattr(report, "user_properties", ())) for report in reports if is_of_a_call(report)]
    drills = [properties["drill"] for properties in told_by if "drill" in properties]
    if drills:
        terminalreporter.section("drill of faults")
        terminalreporter.write_line(as_text(summary(drills)))


def is_of_a_call(report):
    return getattr(report, "when", "") == "call"
