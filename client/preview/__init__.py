"""The dry run: everything a station would send under a plan, shown to whoever has to agree, before anything is sent."""
