"""The page's use cases for programs: named endpoints that stay as they are, and the same as tools of the MCP."""
