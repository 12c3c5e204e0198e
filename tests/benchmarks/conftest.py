"""After the table of times: environment-steps per second, for the benchmarks that count them."""


def pytest_terminal_summary(terminalreporter, config):
    session = getattr(config, "_benchmarksession", None)
    counted = [bench for bench in (session.benchmarks if session else []) if "env_steps_per_s" in bench.extra_info]
    if counted:
        terminalreporter.section("environment-steps per second, one core")
        for bench in counted:
            terminalreporter.write_line(f"{bench.extra_info['env_steps_per_s']:>14,}  {bench.name}")
