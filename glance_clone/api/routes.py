# SPDX-License-Identifier: Apache-2.0
"""The one route table: path -> verb -> action. What is not here is answered 404, 405 or 501 from it."""

from __future__ import annotations

from glance_clone.api import routes_metadefs
from glance_clone.api.resource import Action
from glance_clone.api.resource import OpenPath
from glance_clone.api.resource import Path
from glance_clone.api.serial import body
from glance_clone.api.serial import cache
from glance_clone.api.serial import image
from glance_clone.api.serial import image_data
from glance_clone.api.serial import image_import
from glance_clone.api.serial import image_list
from glance_clone.api.serial import image_patch
from glance_clone.api.serial import info
from glance_clone.api.serial import location
from glance_clone.api.serial import member
from glance_clone.api.serial import task
from glance_clone.api.v2 import cache as cache_actions
from glance_clone.api.v2 import image_actions
from glance_clone.api.v2 import image_data as image_data_actions
from glance_clone.api.v2 import image_import as image_import_actions
from glance_clone.api.v2 import image_update
from glance_clone.api.v2 import images
from glance_clone.api.v2 import info as info_actions
from glance_clone.api.v2 import locations
from glance_clone.api.v2 import members
from glance_clone.api.v2 import schemas
from glance_clone.api.v2 import stores
from glance_clone.api.v2 import tasks

#: Paths under ``/v2``, most used first: they are tried in this order.
TABLE = (
    Path(
        '/images/{image_id}',
        GET=Action(images.show, image.render),
        PATCH=Action(image_update.update, image.render, image_patch.parse),
        DELETE=Action(images.delete, image.render_empty, image_import.parse_delete),
    ),
    Path(
        '/images',
        GET=Action(images.index, image_list.render, image_list.parse),
        POST=Action(images.create, image.render_created, image.parse_create),
    ),
    Path(
        '/images/{image_id}/file',
        GET=Action(image_data_actions.download, image_data.render_download, image_data.parse_download),
        PUT=Action(image_data_actions.upload, image.render_empty, image_data.parse_upload),
    ),
    Path(
        '/images/{image_id}/tags/{tag}',
        PUT=Action(image_update.add_tag, image.render_empty),
        DELETE=Action(image_update.remove_tag, image.render_empty),
    ),
    Path(
        '/images/{image_id}/locations',
        allow='POST',
        GET=Action(locations.index, location.render_list),
        POST=Action(locations.add, location.render_accepted, location.parse_add),
    ),
    Path(
        '/images/{image_id}/members',
        GET=Action(members.index, member.render_list),
        POST=Action(members.create, member.render, member.parse_create),
    ),
    Path(
        '/images/{image_id}/members/{member_id}',
        GET=Action(members.show, member.render),
        PUT=Action(members.update, member.render, member.parse_update),
        DELETE=Action(members.delete, image.render_empty),
    ),
    Path('/images/{image_id}/stage', PUT=Action(image_import_actions.stage, image.render_empty, image_import.parse_stage)),
    Path(
        '/images/{image_id}/import',
        POST=Action(image_import_actions.start, image_import.render_accepted, image_import.parse_import),
    ),
    OpenPath('/images/{image_id}/tasks', GET=Action(tasks.of_image, task.render_of_image)),
    Path(
        '/tasks',
        GET=Action(tasks.index, task.render_list, task.parse_list),
        POST=Action(tasks.create, task.render_created, task.parse_create),
    ),
    Path(
        '/tasks/{task_id}',
        GET=Action(tasks.show, task.render, task.parse_show),
        DELETE=Action(tasks.delete, image.render_empty, task.parse_show),
    ),
    Path('/images/{image_id}/actions/deactivate', POST=Action(image_actions.deactivate, image.render_empty)),
    Path('/images/{image_id}/actions/reactivate', POST=Action(image_actions.reactivate, image.render_empty)),
    Path('/stores/{store_id}/{image_id}', DELETE=Action(stores.delete, image.render_empty)),
    Path('/info/import', GET=Action(info_actions.import_methods, info.render_import)),
    Path('/info/usage', tells_verbs=False, GET=Action(info_actions.usage, info.render_usage)),
    Path('/info/extensions', GET=Action(info_actions.extensions, info.render_extensions)),
    Path('/info/stores', GET=Action(info_actions.stores, info.render_stores)),
    Path('/info/stores/detail', GET=Action(info_actions.stores_detail, info.render_detail)),
    Path(
        '/cache',
        GET=Action(cache_actions.show, cache.render),
        DELETE=Action(cache_actions.clear, image.render_empty, cache.parse_clear),
    ),
    Path('/cache/clean', POST=Action(cache_actions.clean, cache.render_done, body.ignore)),
    Path('/cache/prune', POST=Action(cache_actions.prune, cache.render_pruned, body.ignore)),
    Path('/cache/nodes/{image_id}', GET=Action(cache_actions.nodes, cache.render_nodes)),
    Path(
        '/cache/{image_id}',
        DELETE=Action(cache_actions.delete, image.render_empty, body.ignore),
        PUT=Action(cache_actions.queue, cache.render_accepted),
    ),
    Path('/schemas/image', GET=Action(schemas.image, schemas.render, body.refuse_any)),
    Path('/schemas/images', GET=Action(schemas.images, schemas.render, body.refuse_any)),
    Path('/schemas/member', GET=Action(schemas.member, schemas.render, body.refuse_any)),
    Path('/schemas/members', GET=Action(schemas.members, schemas.render, body.refuse_any)),
    *routes_metadefs.TABLE,
    Path('/schemas/task', GET=Action(schemas.task, schemas.render, body.refuse_any)),
    Path('/schemas/tasks', GET=Action(schemas.tasks, schemas.render, body.refuse_any)),
)
