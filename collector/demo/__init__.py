"""The main job on an embedded mailbox: sample reports, sinks for what goes out, and the tour."""
