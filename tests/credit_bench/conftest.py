"""Property tests on a busy machine: as slow as it takes, and the same examples every time."""

from hypothesis import settings

settings.register_profile("steady", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("steady")
