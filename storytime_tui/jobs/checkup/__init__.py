"""What `storytime-tui doctor` looks at: one module per field. Each finding that is not well says what to do."""
