# SPDX-License-Identifier: Apache-2.0
"""Sealed locations: both forms, several keys, and what is damaged (P12, D-14)."""

import base64
import logging

import fixtures
import hypothesis
from hypothesis import strategies
from oslotest import base

from glance_clone.db import sealing
from glance_clone.db.sealing import Sealing
from glance_clone.domain.location import UNREADABLE

KEY, OTHER = '0123456789abcdef0123456789abcdef', 'another key here'
URL = 'swift+https://host/container/object-1234'
#: Made by another implementation of AES.
_KNOWN = {
    (KEY, URL): 'AAECAwQFBgcICQoLDA0ODwShweZYm72LRfkEde2u6myCWZkK9J4IblmuSlDaOq5fnc_TIebJk4ldE6xnqwwULg==',
    (KEY[:16], 'file:///var/lib/glance/images/12'): (
        'AAECAwQFBgcICQoLDA0ODwj-hUg3YMk1PMMRhtwRMJPzqSRb7WINy0JOZJNXvNV7bW6nXS87TmRdeYIR4PjgDg=='
    ),
}


class SealingTest(base.BaseTestCase):
    def setUp(self):
        super().setUp()
        self.logger = self.useFixture(fixtures.FakeLogger(level=logging.ERROR))

    def test_known_seals_are_read(self):
        for (key, url), text in _KNOWN.items():
            self.assertEqual(url, Sealing(key).unseal('image', text))

    def test_compatible_form(self):
        seals = Sealing(KEY)
        texts = {seals.seal('image', URL) for _ in range(20)}
        self.assertEqual(20, len(texts))
        for text in texts:
            raw = base64.urlsafe_b64decode(text)
            self.assertEqual(0, len(raw) % 16)
            self.assertNotIn(b'swift', raw)
            self.assertEqual(URL, seals.unseal('any image', text))

    @hypothesis.given(strategies.text(min_size=0, max_size=80).filter(lambda text: '\0' not in text))
    def test_any_url(self, rest):
        for form in (sealing.COMPATIBLE, sealing.AUTHENTICATED):
            seals = Sealing(KEY, form=form)
            try:
                url = f'x://{rest}'
                url.encode()
            except UnicodeEncodeError:
                return
            self.assertEqual(url, seals.unseal('image', seals.seal('image', url)))

    def test_authenticated_form_is_bound_to_its_image(self):
        seals = Sealing(KEY, form=sealing.AUTHENTICATED)
        text = seals.seal('image', URL)
        self.assertEqual(URL, seals.unseal('image', text))
        self.assertEqual(UNREADABLE, seals.unseal('other image', text))

    def test_no_change_goes_unnoticed_in_the_authenticated_form(self):
        seals = Sealing(KEY, form=sealing.AUTHENTICATED)
        text = seals.seal('image', URL)
        head, _, encoded = text.rpartition(':')
        raw = bytearray(base64.urlsafe_b64decode(encoded))
        for number in range(len(raw)):
            raw[number] ^= 1
            changed = f'{head}:{base64.urlsafe_b64encode(raw).decode()}'
            raw[number] ^= 1
            self.assertEqual(UNREADABLE, seals.unseal('image', changed))
        self.assertIn('was changed', self.logger.output)
        self.assertNotIn(URL, self.logger.output)

    def test_both_forms_and_the_clear_can_be_read(self):
        for form in (sealing.COMPATIBLE, sealing.AUTHENTICATED):
            text = Sealing(OTHER, form=form).seal('image', URL)
            for reading in (sealing.COMPATIBLE, sealing.AUTHENTICATED):
                seals = Sealing(KEY, [OTHER], reading)
                self.assertEqual(URL, seals.unseal('image', text))
                self.assertEqual(URL, seals.unseal('image', URL))
                self.assertFalse(seals.is_current(text) or seals.is_current(URL))
                self.assertTrue(seals.is_current(seals.seal('image', URL)))

    def test_wrong_keys(self):
        for form in (sealing.COMPATIBLE, sealing.AUTHENTICATED):
            text = Sealing(OTHER, form=form).seal('image', URL)
            for seals in (Sealing(KEY), Sealing()):
                self.assertEqual(UNREADABLE, seals.unseal('image', text))

    def test_damaged_texts(self):
        for text in ('', 'AAAA', 'not base64 at all', 'gcm1:', 'gcm1:00000000:AAAA', '====', 'Ä'):
            self.assertEqual(UNREADABLE, Sealing(KEY).unseal('image', text))

    def test_without_key(self):
        self.assertEqual(URL, Sealing().seal('image', URL))
        self.assertTrue(Sealing().is_current(URL))
        self.assertFalse(Sealing().is_current(Sealing(KEY).seal('image', URL)))

    def test_what_could_not_be_read_is_not_written(self):
        for seals in (Sealing(), Sealing(KEY)):
            self.assertRaises(ValueError, seals.seal, 'image', UNREADABLE)

    def test_keys_have_a_size(self):
        self.assertRaises(ValueError, Sealing, 'short')
        self.assertRaises(ValueError, Sealing, KEY, ['short'])
