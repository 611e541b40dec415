# SPDX-License-Identifier: Apache-2.0
"""Byte ranges of downloads."""

from hypothesis import given
from hypothesis import strategies as st
from oslotest import base

from glance_clone.api.serial.image_data import Span
from glance_clone.api.serial.image_data import span_of
from glance_clone.domain import errors

TOTAL = 1024


class RangeTest(base.BaseTestCase):
    def test_satisfiable(self):
        for header, offset, length in (
            ('bytes=0-4', 0, 5),
            ('bytes=1020-', 1020, 4),
            ('bytes=-4', 1020, 4),
            ('bytes=-2000', 0, TOTAL),
            ('bytes=0-5000', 0, TOTAL),
            ('bytes=-0', 0, TOTAL),
            ('bytes=0-1023', 0, TOTAL),
            ('bytes=0-99999999999999999999999999', 0, TOTAL),
            ('bytes=-99999999999999999999999999', 0, TOTAL),
            ('Bytes = 0 - 4', 0, 5),
        ):
            self.assertEqual(Span(offset, length, TOTAL), span_of((header, None), TOTAL), header)

    def test_unsatisfiable(self):
        for header in (
            f'bytes=0-{"9" * 5000}',
            'bytes=1024-',
            'bytes=5-4',
            'bytes=a-b',
            'bytes=',
            'bytes=-',
            'lines=0-4',
            '0-4',
            '',
        ):
            self.assertRaises(errors.RangeNotSatisfiable, span_of, (header, None), TOTAL)

    def test_several_ranges_are_refused(self):
        for header in ('bytes=0-1,3-4', 'Bytes=0-1,3-4', 'lines=0-1,3-4', 'bytes=0-1,'):
            self.assertRaises(errors.Invalid, span_of, (header, None), TOTAL)

    def test_older_header(self):
        for header in ('bytes 0-4/*', 'bytes 0-4/1024', 'bytes 0-4/7'):
            self.assertEqual(Span(0, 5, TOTAL), span_of((None, header), TOTAL), header)
        for header in ('bytes 0-1024/*', 'bytes 1024-1030/*', 'bytes x', 'bytes 5-4/*', 'bytes */1024', 'bytes 0-4/3'):
            self.assertRaises(errors.RangeNotSatisfiable, span_of, (None, header), TOTAL)

    def test_range_wins_over_the_older_header(self):
        self.assertEqual(Span(1, 2, TOTAL), span_of(('bytes=1-2', 'bytes 0-4/*'), TOTAL))

    def test_without_headers_all_is_wanted(self):
        self.assertIsNone(span_of((None, None), TOTAL))

    def test_nothing_of_an_empty_image_can_be_asked_for(self):
        for header in ('bytes=0-', 'bytes=-1', 'bytes=0-0'):
            self.assertRaises(errors.RangeNotSatisfiable, span_of, (header, None), 0)

    @given(first=st.integers(0, 3000), last=st.integers(0, 3000), total=st.integers(0, 2000))
    def test_a_span_is_always_inside_the_image(self, first, last, total):
        try:
            span = span_of((f'bytes={first}-{last}', None), total)
        except errors.RangeNotSatisfiable:
            self.assertTrue(first >= total or last < first)
        else:
            data = bytes(i % 251 for i in range(total))
            self.assertEqual(data[first : last + 1], data[span.offset : span.offset + span.length])

    @given(st.text(max_size=40))
    def test_any_header_gives_a_span_or_a_known_error(self, header):
        try:
            span = span_of((header, None), TOTAL)
        except (errors.RangeNotSatisfiable, errors.Invalid):
            return
        self.assertTrue(span.offset >= 0 and span.length > 0 and span.offset + span.length <= TOTAL)
