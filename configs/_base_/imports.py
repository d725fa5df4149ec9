"""Makes MMEngine find what this package has. A config with imports of its own adds it to these."""
custom_imports = dict(imports=['mmresizemix'], allow_failed_imports=False)
