"""Models run by Python itself: steps, searches, random runs."""
