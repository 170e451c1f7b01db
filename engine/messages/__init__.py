"""Files are the messages: drafts from outboxes, stamped messages into inboxes, tasks that people drop in a folder."""
