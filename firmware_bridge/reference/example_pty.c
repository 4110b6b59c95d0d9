/* A display in a terminal: shows how the receiver is driven. POSIX; on a microcontroller the UART interrupt calls sd_byte instead.
 *
 *   cc -std=c99 -Wall -o display example_pty.c sonoderm_display.c
 *   ./display /dev/ttyACM0        (or the name of a pty; a line a change; f and Enter freezes, end of input ends)
 */
#define _POSIX_C_SOURCE 200809L

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "sonoderm_display.h"

static uint32_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint32_t)((uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u);
}

static void say(const sd_display *d, const sd_screen *s, char *line, size_t size)
{
    sd_text code, name;
    const char *mark = s->rendered ? SD_RESEARCH_USE_ONLY ", RENDERED PHANTOM" : SD_RESEARCH_USE_ONLY;
    if (s->shows == SD_STALE)
        snprintf(line, size, "%s | %s", mark, s->other_version ? "OTHER VERSION" : "STALE");
    else if (s->shows == SD_LOADING)
        snprintf(line, size, "%s | LOADING LABELS", mark);
    else if (s->label != SD_NONE && sd_label(d, s->label, &code, &name))
        snprintf(line, size, "%s | %s | %.*s (%.*s) %d%%%s%s", mark, sd_state_word(s->state), (int)name.length_b, (const char *)name.at,
                 (int)code.length_b, (const char *)code.at, s->confidence / 2, s->state == SD_FROZEN ? " | live: " : "",
                 s->state == SD_FROZEN ? sd_state_word(s->live_state) : "");
    else
        snprintf(line, size, "%s | %s | %s", mark, sd_state_word(s->state), sd_reason(s->reason));
}

int main(int argc, char **argv)
{
    static sd_display d;
    sd_screen screen;
    uint8_t bytes[256];
    char line[768], last[768] = "";
    const int port = argc == 2 ? open(argv[1], O_RDWR | O_NOCTTY) : -1;
    if (port < 0) {
        perror(argc == 2 ? argv[1] : "usage: display PORT");
        return 1;
    }
    struct termios raw;
    if (tcgetattr(port, &raw) == 0) {
        raw.c_iflag = raw.c_oflag = raw.c_lflag = 0;
        raw.c_cflag = CS8 | CREAD | CLOCAL;
        cfsetispeed(&raw, B115200);
        cfsetospeed(&raw, B115200);
        tcsetattr(port, TCSANOW, &raw);
    }
    sd_init(&d, (uint16_t)(now_ms() ^ (uint32_t)getpid()));
    for (;;) {
        struct pollfd fds[2] = {{.fd = port, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
        if (poll(fds, 2, 25) < 0 || (fds[0].revents & (POLLHUP | POLLERR)))
            return 1;
        if (fds[0].revents & POLLIN) {
            const ssize_t got = read(port, bytes, sizeof bytes);
            for (ssize_t i = 0; i < got; i++)
                sd_byte(&d, bytes[i], now_ms());
        }
        if (fds[1].revents) {
            const ssize_t got = read(STDIN_FILENO, bytes, sizeof bytes);
            if (got <= 0)
                return 0;
            if (memchr(bytes, 'f', (size_t)got) != NULL)
                sd_press(&d, SD_FREEZE, now_ms());
        }
        const uint8_t send_b = sd_poll(&d, now_ms(), bytes);
        if (send_b > 0 && write(port, bytes, send_b) != send_b)
            return 1;
        sd_read_screen(&d, now_ms(), &screen);
        say(&d, &screen, line, sizeof line);
        if (strcmp(line, last) != 0) {
            memcpy(last, line, sizeof last);
            puts(line);
            fflush(stdout);
        }
    }
}
