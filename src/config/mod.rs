//! Floor 3: fixtures and settings: the door to YAML and TOML.
