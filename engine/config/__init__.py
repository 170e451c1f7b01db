"""What a person wrote: settings, plans and task files, read strictly; errors name file, line and field."""
