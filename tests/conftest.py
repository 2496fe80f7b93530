"""What all tests share."""

from hypothesis import settings

# A loaded machine is slow now and then, which says nothing about the code.
settings.register_profile("engagelab", deadline=None)
settings.load_profile("engagelab")
