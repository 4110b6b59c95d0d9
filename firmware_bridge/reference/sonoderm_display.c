/* See sonoderm_display.h. The rules are those of docs/display.md; the tests hold this file and the Python receiver against each other. */
#include "sonoderm_display.h"

#include <string.h>

enum { KIND_SAID = 0x11, KIND_PART = 0x12, KIND_TAKEN = 0x13, KIND_WANT = 0x18, KIND_PRESSED = 0x19 };
enum { VERSION = 1, SAID_B = 18, PART_HEAD_B = 7, PART_CAP_B = 18, TAKEN_B = 4, BLOCK_SMALLEST_B = 4 };
enum { AT_SEQ = 1, AT_STATES = 2, AT_REASON = 3, AT_LABEL = 4, AT_CONFIDENCE = 5, AT_FITS = 6, AT_EXPIRES = 10, AT_AGE = 12, AT_TABLE = 14 };
#define NEVER_MS 0xFFFFu

/* ---- numbers, CRC-32 (IEEE 802.3, reflected), COBS ------------------------------------------------------------------------------ */

static uint16_t u16(const uint8_t *p) { return (uint16_t)(p[0] | (uint16_t)(p[1] << 8)); }

static uint32_t u32(const uint8_t *p) { return (uint32_t)u16(p) | (uint32_t)u16(p + 2) << 16; }

static void put_u16(uint8_t *p, uint16_t v) { p[0] = (uint8_t)v; p[1] = (uint8_t)(v >> 8); }

static void put_u32(uint8_t *p, uint32_t v) { put_u16(p, (uint16_t)v); put_u16(p + 2, (uint16_t)(v >> 16)); }

static uint32_t crc32(const uint8_t *data, uint32_t size_b)
{
    uint32_t crc = 0xFFFFFFFFu;
    while (size_b-- > 0) {
        crc ^= *data++;
        for (int bit = 0; bit < 8; bit++)
            crc = (crc & 1u) ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
    }
    return ~crc;
}

/* In place: what is unstuffed is never longer. Returns its length, 0 for what no sender makes. */
static uint8_t unstuff(uint8_t *bytes, uint8_t size_b)
{
    uint8_t at = 0, out = 0;
    while (at < size_b) {
        const uint8_t code = bytes[at];
        if (code == 0 || at + code > size_b)
            return 0;
        if (at > 0)
            bytes[out++] = 0;
        for (uint8_t i = 1; i < code; i++)
            bytes[out++] = bytes[at + i];
        at = (uint8_t)(at + code);
    }
    return out;
}

/* payload and CRC-32, stuffed and closed. out has room for size_b + 6. */
static uint8_t seal(const uint8_t *payload, uint8_t size_b, uint8_t *out)
{
    uint8_t body[SD_PAYLOAD_CAP_B + 4];
    uint8_t code_at = 0, at = 1;
    memcpy(body, payload, size_b);
    put_u32(body + size_b, crc32(payload, size_b));
    for (uint8_t i = 0; i < size_b + 4; i++) {
        if (body[i] == 0) {
            out[code_at] = (uint8_t)(at - code_at);
            code_at = at++;
        } else {
            out[at++] = body[i];
        }
    }
    out[code_at] = (uint8_t)(at - code_at);
    out[at++] = 0;
    return at;
}

/* ---- the label table ------------------------------------------------------------------------------------------------------------ */

static uint8_t table_count(const sd_display *d) { return d->table == 0 ? 0 : d->block[3 + d->block[2]]; }

/* The block is a table from its first to its last byte. */
static int is_table(const uint8_t *block, uint16_t size_b)
{
    if (size_b < BLOCK_SMALLEST_B || u16(block) != size_b)
        return 0;
    const uint16_t count_at = (uint16_t)(3 + block[2]);
    if (count_at >= size_b || block[count_at] > SD_LABELS_CAP)
        return 0;
    uint16_t at = (uint16_t)(count_at + 1);
    for (uint8_t texts = (uint8_t)(2 * block[count_at]); texts > 0; texts--) {
        if (at >= size_b || at + 1 + block[at] > size_b)
            return 0;
        at = (uint16_t)(at + 1 + block[at]);
    }
    return at == size_b;
}

static void start_collecting(sd_display *d, uint32_t table)
{
    d->table = 0; /* one block of memory: the old table makes room */
    d->coming = table;
    d->has_asked = 0;
    d->block_b = 0;
}

static void collect(sd_display *d, const uint8_t *part, uint8_t size_b, uint32_t now_ms)
{
    const uint8_t data_b = (uint8_t)(size_b - PART_HEAD_B);
    if (d->coming == 0 || u32(part + 1) != d->coming || u16(part + 5) != d->block_b)
        return;
    if (d->block_b + data_b > SD_BLOCK_CAP_B) {
        d->block_b = 0;
        return;
    }
    memcpy(d->block + d->block_b, part + PART_HEAD_B, data_b);
    d->block_b = (uint16_t)(d->block_b + data_b);
    d->has_asked = 1; /* it comes: there is no need to ask */
    d->asked_ms = now_ms;
    if (d->block_b < 2 || d->block_b < u16(d->block))
        return;
    const uint32_t crc = crc32(d->block, d->block_b);
    if ((crc == 0 ? 1 : crc) == d->coming && is_table(d->block, d->block_b)) {
        d->table = d->coming;
        d->coming = 0;
    }
    d->block_b = 0;
}

/* ---- frames --------------------------------------------------------------------------------------------------------------------- */

/* A label stands in READY and FROZEN alone, READY never lacks one, and what points into a table names it. */
static int is_sound(const uint8_t *said)
{
    const uint8_t state = said[AT_STATES] >> 4 & 7, live = said[AT_STATES] & 15, label = said[AT_LABEL];
    if ((live > SD_READY && live != SD_NO_LIVE_STATE) || (live != SD_NO_LIVE_STATE) != (state == SD_FROZEN))
        return 0;
    if ((label >= SD_LABELS_CAP && label != SD_NONE) || (said[AT_CONFIDENCE] > 200 && said[AT_CONFIDENCE] != SD_NONE))
        return 0;
    if (label != SD_NONE && state != SD_READY && state != SD_FROZEN)
        return 0;
    if (state == SD_READY && (label == SD_NONE || u16(said + AT_EXPIRES) == NEVER_MS))
        return 0;
    return u32(said + AT_TABLE) != 0 || (label == SD_NONE && u32(said + AT_FITS) == 0);
}

static void hear(sd_display *d, const uint8_t *said, uint32_t now_ms)
{
    const uint32_t table = u32(said + AT_TABLE);
    if (d->has_said && d->said[AT_SEQ] == said[AT_SEQ])
        return; /* not fresh: a stuck buffer must not keep a label alive */
    memcpy(d->said, said, SAID_B);
    d->has_said = 1;
    d->heard_ms = now_ms;
    d->other_version = 0;
    d->activity++;
    if (table == d->table)
        d->coming = 0;
    else if (table != 0 && table != d->coming)
        start_collecting(d, table);
}

static void take(sd_display *d, const uint8_t *payload, uint8_t size_b, uint32_t now_ms)
{
    if (payload[0] == KIND_SAID && size_b == SAID_B && is_sound(payload))
        hear(d, payload, now_ms);
    else if (payload[0] == KIND_PART && size_b > PART_HEAD_B && size_b <= PART_CAP_B)
        collect(d, payload, size_b, now_ms);
    else if (payload[0] == KIND_TAKEN && size_b == TAKEN_B && d->button == SD_SENDING && u16(payload + 1) == d->boot &&
             payload[3] == d->press_seq)
        d->button = SD_TAKEN;
    else if (payload[0] >> 4 != VERSION)
        d->other_version = 1;
}

/* ---- what the program calls ----------------------------------------------------------------------------------------------------- */

void sd_init(sd_display *d, uint16_t boot)
{
    memset(d, 0, sizeof *d);
    d->boot = boot;
}

void sd_byte(sd_display *d, uint8_t byte, uint32_t now_ms)
{
    if (byte != 0) {
        if (d->is_too_long || d->rest_b == SD_WIRE_CAP_B - 1) {
            d->is_too_long = 1;
            d->rest_b = 0;
        } else {
            d->rest[d->rest_b++] = byte;
        }
        return;
    }
    if (d->rest_b > 0 || d->is_too_long) { /* zeros in a row are an idle line, not damage */
        const uint8_t body_b = d->is_too_long ? 0 : unstuff(d->rest, d->rest_b);
        if (body_b > 4 && crc32(d->rest, body_b - 4u) == u32(d->rest + body_b - 4))
            take(d, d->rest, (uint8_t)(body_b - 4), now_ms);
        else
            d->damaged++;
    }
    d->rest_b = 0;
    d->is_too_long = 0;
}

uint8_t sd_poll(sd_display *d, uint32_t now_ms, uint8_t out[SD_WIRE_CAP_B])
{
    uint8_t payload[SD_PAYLOAD_CAP_B];
    if (d->button == SD_SENDING && now_ms - d->pressed_ms >= SD_PRESS_MS)
        d->button = SD_NOT_TAKEN;
    if (d->button == SD_SENDING && (!d->press_was_sent || now_ms - d->sent_ms >= SD_PRESS_EVERY_MS)) {
        d->press_was_sent = 1;
        d->sent_ms = now_ms;
        payload[0] = KIND_PRESSED;
        put_u16(payload + 1, d->boot);
        payload[3] = d->press_seq;
        payload[4] = d->press_command;
        return seal(payload, 5, out);
    }
    if (d->coming != 0 && (!d->has_asked || now_ms - d->asked_ms >= SD_WANT_EVERY_MS)) {
        d->has_asked = 1;
        d->asked_ms = now_ms;
        payload[0] = KIND_WANT;
        put_u32(payload + 1, d->coming);
        put_u16(payload + 5, d->block_b);
        return seal(payload, 7, out);
    }
    return 0;
}

void sd_press(sd_display *d, sd_command command, uint32_t now_ms)
{
    d->press_seq++;
    d->press_command = (uint8_t)command;
    d->press_was_sent = 0;
    d->pressed_ms = now_ms;
    d->button = SD_SENDING;
}

void sd_read_screen(const sd_display *d, uint32_t now_ms, sd_screen *screen)
{
    memset(screen, 0, sizeof *screen);
    screen->shows = SD_STALE;
    screen->button = d->button;
    screen->activity = d->activity;
    screen->other_version = d->other_version;
    screen->label = screen->confidence = SD_NONE;
    screen->live_state = SD_NO_LIVE_STATE;
    screen->state = SD_NO_SIGNAL;
    if (d->table != 0) {
        screen->title.at = d->block + 3;
        screen->title.length_b = d->block[2];
    }
    const uint16_t expires_in_ms = u16(d->said + AT_EXPIRES);
    const uint32_t alive_ms = expires_in_ms < SD_SILENCE_MS ? expires_in_ms : SD_SILENCE_MS;
    if (!d->has_said || now_ms - d->heard_ms >= alive_ms)
        return;
    screen->rendered = d->said[AT_STATES] >> 7;
    screen->state = (sd_state)(d->said[AT_STATES] >> 4 & 7);
    screen->live_state = d->said[AT_STATES] & 15;
    screen->reason = d->said[AT_REASON];
    screen->frozen_age_s = u16(d->said + AT_AGE);
    const uint8_t label = d->said[AT_LABEL];
    const uint32_t fits = u32(d->said + AT_FITS);
    const uint8_t count = u32(d->said + AT_TABLE) == d->table ? table_count(d) : 0;
    if ((label != SD_NONE && label >= count) || (count < 32 && fits >> count != 0)) {
        screen->shows = SD_LOADING;
        return;
    }
    screen->shows = SD_LIVE;
    screen->label = label;
    screen->confidence = d->said[AT_CONFIDENCE];
    screen->fits = fits;
}

int sd_label(const sd_display *d, uint8_t id, sd_text *code, sd_text *name)
{
    if (id >= table_count(d))
        return 0;
    const uint8_t *text = d->block + 4 + d->block[2];
    for (uint8_t i = 0; i < 2 * id; i++)
        text += 1 + text[0];
    code->at = text + 1;
    code->length_b = text[0];
    text += 1 + text[0];
    name->at = text + 1;
    name->length_b = text[0];
    return 1;
}

const char *sd_state_word(uint8_t state)
{
    static const char *const words[] = {"FAULT", "FROZEN", "NO SIGNAL", "STARTING", "POOR IMAGE", "OUT OF SCOPE", "UNSURE", "READY"};
    return state <= SD_READY ? words[state] : "";
}

const char *sd_reason(uint8_t reason)
{
    static const char *const words[] = {
        "", "too dark", "too bright", "out of focus", "moving", "blurred", "no contact", "no field of view", "unplugged", "stalled",
        "black", "frozen picture", "driver crashed", "reconnecting", "ended", "cannot be opened", "not what this model was made for",
        "low confidence", "labels disagree in time", "too many classes fit", "no class fits", "opening the model",
        "building the engine", "warming up", "opening the source", "settling", "too slow on this machine", "the model cannot run",
        "golden frames differ", "form never proven on this engine"};
    return reason < sizeof words / sizeof words[0] ? words[reason] : "unknown reason";
}
