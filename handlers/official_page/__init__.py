"""The official page: its menus, steps for the guides, and explanations of its texts."""
