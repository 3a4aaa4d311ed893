"""Learning: the plan, the loop, what it says while it runs, and what it keeps."""
