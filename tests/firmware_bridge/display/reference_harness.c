/* Drives the reference receiver by lines on standard input; answers are lines on standard output.
 *   i BOOT | b MS HEX | p MS COMMAND | o MS (what it sends) | s MS (its screen) | z (bytes of memory) | r ID (words of a reason)
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sonoderm_display.h"

static void hex(const uint8_t *at, unsigned size_b)
{
    if (size_b == 0)
        putchar('-');
    for (unsigned i = 0; i < size_b; i++)
        printf("%02x", at[i]);
}

static void text(const char *name, sd_text t)
{
    printf(" %s=", name);
    hex(t.at, t.length_b);
}

static void print_screen(const sd_display *d, uint32_t now_ms)
{
    static const char *const shows[] = {"stale", "loading", "live"};
    static const char *const buttons[] = {"idle", "sending", "taken", "not-taken"};
    sd_screen s;
    sd_text code, name;
    sd_read_screen(d, now_ms, &s);
    printf("%s button=%s activity=%u other=%u damaged=%u", shows[s.shows], buttons[s.button], s.activity, s.other_version, d->damaged);
    text("title", s.title);
    if (s.shows != SD_STALE)
        printf(" state=%u live=%u reason=%u rendered=%u age=%u", s.state, s.live_state, s.reason, s.rendered, s.frozen_age_s);
    if (s.shows == SD_LIVE) {
        printf(" confidence=%u fits=%08x", s.confidence, s.fits);
        if (s.label != SD_NONE && sd_label(d, s.label, &code, &name)) {
            text("code", code);
            text("name", name);
        }
    }
    putchar('\n');
}

int main(void)
{
    static sd_display d;
    static char line[1 << 16];
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *rest = line + 1;
        const uint32_t first = (uint32_t)strtoul(rest, &rest, 10);
        uint8_t out[SD_WIRE_CAP_B];
        switch (line[0]) {
        case 'i': sd_init(&d, (uint16_t)first); break;
        case 'b':
            for (unsigned byte = 0; sscanf(rest += strspn(rest, " "), "%2x", &byte) == 1; rest += 2)
                sd_byte(&d, (uint8_t)byte, first);
            break;
        case 'p': sd_press(&d, (sd_command)strtoul(rest, NULL, 10), first); break;
        case 'o': hex(out, sd_poll(&d, first, out)); putchar('\n'); break;
        case 's': print_screen(&d, first); break;
        case 'z': printf("%zu\n", sizeof d); break;
        case 'r': puts(sd_reason((uint8_t)first)); break;
        default: return 2;
        }
        fflush(stdout);
    }
    return 0;
}
