using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Distributed.Engine.Kernels;

/// <summary>Copies matrices into the panel layout of <see cref="PackedMatrix"/>.</summary>
internal static unsafe class PanelPacking
{
    private const int Width = PackedMatrix.PanelWidth;

    /// <summary>Row-major [k, n] into panels that are <paramref name="panelDepth"/> rows deep; missing columns of the last panel become zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackRows(float* source, nint lds, int k, int n, float* panels, nint panelDepth)
    {
        var whole = n / Width * Width;
        for (var row = 0; row < k; row++, source += lds, panels += Width)
        {
            var to = panels;
            for (var column = 0; column < whole; column += Width, to += Width * panelDepth)
                Copy32(source + column, to);
            if (whole == n)
                continue;
            for (var column = whole; column < n; column++)
                to[column - whole] = source[column];
            new Span<float>(to + (n - whole), Width - (n - whole)).Clear();
        }
    }

    /// <summary>Floats from one strip of <see cref="PackStrips"/> to the next: a margin follows each, as writes overshoot.</summary>
    public static nint StripFloats(int height, int k) => height * (nint)(k + 2);

    /// <summary>
    /// Row-major [k, m] into strips of <paramref name="height"/> columns: [ceil(m / height)][k][height], <see cref="StripFloats"/> apart; what is
    /// missing in the last one is left alone.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackStrips(float* source, nint lds, int k, int m, float* strips, int height)
    {
        // Some lines of each row at a time: every strip lies in a page of its own, and the processor knows the addresses of only so many at once.
        const int Stretch = 96;
        var together = Stretch / height;
        var stripSize = StripFloats(height, k);
        for (var first = 0; first < m; first += together * height, strips += together * stripSize)
        {
            var end = Math.Min(m, first + (together * height));
            var from = source;
            var to = strips;
            for (var row = 0; row < k; row++, from += lds, to += height)
            {
                var strip = to;
                var column = first;
                if (height == 12 && Avx512F.IsSupported)
                {
                    // Four floats too many are written; the strip's next row overwrites them.
                    for (; column < end && column + 16 <= m; column += 12, strip += stripSize)
                        Avx512F.Store(strip, Avx512F.LoadVector512(from + column));
                }

                else if (height == 3 && Sse.IsSupported)
                {
                    // The same with one float too many. The rows are too far apart for the processor to fetch the next ones by itself.
                    for (var line = first; line < end; line += 16)
                        Sse.Prefetch0(from + (8 * lds) + line);
                    for (; column < end && column + 4 <= m; column += 3, strip += stripSize)
                        Sse.Store(strip, Sse.LoadVector128(from + column));
                }

                for (; column < end; column += height, strip += stripSize)
                    for (var i = 0; i < height && column + i < m; i++)
                        strip[i] = from[column + i];
            }
        }
    }

    /// <summary>
    /// The transpose of a row-major [n, k] into columns [firstColumn, firstColumn + n) of panels; other columns are left alone.
    /// </summary>
    public static void PackColumns(float* source, nint lds, int k, int n, float* panels, nint panelDepth, int firstColumn)
    {
        var column = 0;
        if (Avx.IsSupported && firstColumn % 8 == 0)
            for (; column + 8 <= n; column += 8)
                PackEight(source + (column * lds), lds, k, At(panels, panelDepth, firstColumn + column));

        for (; column < n; column++)
        {
            var to = At(panels, panelDepth, firstColumn + column);
            var from = source + (column * lds);
            for (var row = 0; row < k; row++, to += Width)
                *to = from[row];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy32(float* from, float* to)
    {
        if (Avx512F.IsSupported)
        {
            Avx512F.Store(to, Avx512F.LoadVector512(from));
            Avx512F.Store(to + 16, Avx512F.LoadVector512(from + 16));
        }
        else if (Avx.IsSupported)
        {
            Avx.Store(to, Avx.LoadVector256(from));
            Avx.Store(to + 8, Avx.LoadVector256(from + 8));
            Avx.Store(to + 16, Avx.LoadVector256(from + 16));
            Avx.Store(to + 24, Avx.LoadVector256(from + 24));
        }
        else
        {
            Unsafe.CopyBlockUnaligned(to, from, 32 * sizeof(float));
        }
    }

    private static float* At(float* panels, nint panelDepth, int column) =>
        panels + (column / Width * Width * panelDepth) + (column % Width);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackEight(float* from, nint lds, int k, float* to)
    {
        var row = 0;
        for (; row + 8 <= k; row += 8, to += 8 * Width)
        {
            var s = from + row;
            var r0 = Avx.LoadVector256(s);
            var r1 = Avx.LoadVector256(s + lds);
            var r2 = Avx.LoadVector256(s + (2 * lds));
            var r3 = Avx.LoadVector256(s + (3 * lds));
            var r4 = Avx.LoadVector256(s + (4 * lds));
            var r5 = Avx.LoadVector256(s + (5 * lds));
            var r6 = Avx.LoadVector256(s + (6 * lds));
            var r7 = Avx.LoadVector256(s + (7 * lds));
            var t0 = Avx.UnpackLow(r0, r1);
            var t1 = Avx.UnpackHigh(r0, r1);
            var t2 = Avx.UnpackLow(r2, r3);
            var t3 = Avx.UnpackHigh(r2, r3);
            var t4 = Avx.UnpackLow(r4, r5);
            var t5 = Avx.UnpackHigh(r4, r5);
            var t6 = Avx.UnpackLow(r6, r7);
            var t7 = Avx.UnpackHigh(r6, r7);
            var u0 = Avx.Shuffle(t0, t2, 0x44);
            var u1 = Avx.Shuffle(t0, t2, 0xEE);
            var u2 = Avx.Shuffle(t1, t3, 0x44);
            var u3 = Avx.Shuffle(t1, t3, 0xEE);
            var u4 = Avx.Shuffle(t4, t6, 0x44);
            var u5 = Avx.Shuffle(t4, t6, 0xEE);
            var u6 = Avx.Shuffle(t5, t7, 0x44);
            var u7 = Avx.Shuffle(t5, t7, 0xEE);
            Avx.Store(to, Avx.Permute2x128(u0, u4, 0x20));
            Avx.Store(to + Width, Avx.Permute2x128(u1, u5, 0x20));
            Avx.Store(to + (2 * Width), Avx.Permute2x128(u2, u6, 0x20));
            Avx.Store(to + (3 * Width), Avx.Permute2x128(u3, u7, 0x20));
            Avx.Store(to + (4 * Width), Avx.Permute2x128(u0, u4, 0x31));
            Avx.Store(to + (5 * Width), Avx.Permute2x128(u1, u5, 0x31));
            Avx.Store(to + (6 * Width), Avx.Permute2x128(u2, u6, 0x31));
            Avx.Store(to + (7 * Width), Avx.Permute2x128(u3, u7, 0x31));
        }

        for (; row < k; row++, to += Width)
            for (var lane = 0; lane < 8; lane++)
                to[lane] = from[(lane * lds) + row];
    }
}
