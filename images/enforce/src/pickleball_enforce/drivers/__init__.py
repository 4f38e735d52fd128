"""The drivers that stand where stock's unpicklers stood: `compiled` for the C one, `interpreted` for the Python one."""
