#include <stdio.h>

struct point { int x, y; };

int main(void)
{
    struct point p = { 1, 2 };
    int unused;
    printf("%d %s\n", p.x, p.y);
    return p.z
}
