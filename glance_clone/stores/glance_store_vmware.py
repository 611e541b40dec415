# SPDX-License-Identifier: Apache-2.0
"""VMware: an object is a file in a datastore; its location tells the datacenter and the datastore in its query."""

from __future__ import annotations

from glance_clone.stores.glance_store_adapter import GlanceStore


class VmwareStore(GlanceStore):
    """A store in one directory of the datastores of one server."""

    def match(self, url: str) -> int:
        """Return how many characters of the url speak for this store, -1 if it is none of its."""
        host = self.option('vmware_server_host')
        host = f'[{host}]' if ':' in host else host
        prefix = f'vsphere://{host}/folder/{self.option("vmware_store_image_dir").strip("/")}/'
        return len(prefix) if url.startswith(prefix) else -1
