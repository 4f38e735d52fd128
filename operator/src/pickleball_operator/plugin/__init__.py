"""`kubectl pickleball`: read, compare, approve and roll back policies, with the rights of the person who asks."""
