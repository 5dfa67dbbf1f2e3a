using System.Runtime.CompilerServices;
using Distributed.Engine.Kernels;

namespace Distributed.Engine.Generation;

/// <summary>
/// Attention of single positions over their sequence's cached keys and values. Every row is worked out alone and in one fixed order
/// (components, then positions, ascending), so a prompt fed in one piece gives the same bits as one fed token by token.
/// </summary>
internal static unsafe class CachedAttention
{
    private const int Page = KeyValueLayout.PagePositions;

    /// <summary>Puts a position's key and value, rotary embedding done, into its page.</summary>
    /// <param name="tile">The key tile of the layer and head.</param>
    /// <param name="layout">The page's layout.</param>
    /// <param name="slot">The position's place in the page.</param>
    /// <param name="key">Head-size floats.</param>
    /// <param name="value">Head-size floats.</param>
    public static void Store(float* tile, KeyValueLayout layout, int slot, float* key, float* value)
    {
        for (var i = 0; i < layout.HeadSize; i++)
            tile[(i * Page) + slot] = key[i];
        var row = tile + (layout.HeadSize * Page) + (slot * layout.ValueStride);
        for (var i = 0; i < layout.HeadSize; i++)
            row[i] = value[i];
    }

    /// <summary>y = softmax(scale q K^T) V for the query heads that share one key/value head.</summary>
    /// <param name="pages">The sequence's pages.</param>
    /// <param name="tile">Where the layer's and head's tile is in every page.</param>
    /// <param name="layout">Layout of the pages.</param>
    /// <param name="positions">How many cached positions the row sees, its own included.</param>
    /// <param name="queries">[group, headSize].</param>
    /// <param name="group">Query heads.</param>
    /// <param name="scale">1 / sqrt(headSize).</param>
    /// <param name="scores">Scratch of 2 * positions rounded up to a page.</param>
    /// <param name="y">[group, headSize].</param>
    public static void Attend(
        nint* pages, int tile, KeyValueLayout layout, int positions, float* queries, int group, float scale, float* scores, float* y)
    {
        switch (Simd.Path)
        {
            case SimdPath.Avx512: Attend<Lane512>(pages, tile, layout, positions, queries, group, scale, scores, y); break;
            case SimdPath.Avx2: Attend<Lane256>(pages, tile, layout, positions, queries, group, scale, scores, y); break;
            default: Attend<LaneAny>(pages, tile, layout, positions, queries, group, scale, scores, y); break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static void Attend<T>(
        nint* pages, int tile, KeyValueLayout layout, int positions, float* queries, int group, float scale, float* scores, float* y)
        where T : struct, ILane<T>
    {
        var headSize = layout.HeadSize;
        var padded = KeyValueLayout.Pages(positions) * Page;
        for (var head = 0; head < group; head += 2)
        {
            // Two heads share the loads; the odd one out at the end is worked out twice.
            var query = queries + (head * headSize);
            var second = head + 1 < group ? 1 : 0;
            Score<T>(pages, tile, padded, query, query + (second * headSize), headSize, scores, scores + padded);
            var scale0 = 1f / Softmax.Exponentiate(scores, positions, padded, scale, out _);
            var scale1 = 1f / Softmax.Exponentiate(scores + padded, positions, padded, scale, out _);
            var values = tile + (headSize * Page);
            Mix<T>(pages, values, layout.ValueStride, positions, scores, scores + padded, headSize, scale0, scale1,
                y + (head * headSize), y + ((head + second) * headSize));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Score<T>(nint* pages, int tile, int padded, float* query0, float* query1, int headSize, float* scores0, float* scores1)
        where T : struct, ILane<T>
    {
        var position = 0;
        for (; position + (4 * T.Width) <= padded; position += 4 * T.Width)
        {
            var keys0 = Keys(pages, tile, position);
            var keys1 = Keys(pages, tile, position + T.Width);
            var keys2 = Keys(pages, tile, position + (2 * T.Width));
            var keys3 = Keys(pages, tile, position + (3 * T.Width));
            // Pages lie apart: the processor cannot guess where the next ones are.
            var next0 = Keys(pages, tile, Math.Min(position + (4 * T.Width), padded - Page));
            var next1 = Keys(pages, tile, Math.Min(position + (4 * T.Width) + Page, padded - Page));
            T a0 = T.All(0f), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
            for (var i = 0; i < headSize; i++)
            {
                Fetch.Near(next0 + (i * Page));
                Fetch.Near(next1 + (i * Page));
                var q0 = T.All(query0[i]);
                var q1 = T.All(query1[i]);
                var k = T.Load(keys0 + (i * Page));
                a0 = T.MultiplyAdd(q0, k, a0);
                b0 = T.MultiplyAdd(q1, k, b0);
                k = T.Load(keys1 + (i * Page));
                a1 = T.MultiplyAdd(q0, k, a1);
                b1 = T.MultiplyAdd(q1, k, b1);
                k = T.Load(keys2 + (i * Page));
                a2 = T.MultiplyAdd(q0, k, a2);
                b2 = T.MultiplyAdd(q1, k, b2);
                k = T.Load(keys3 + (i * Page));
                a3 = T.MultiplyAdd(q0, k, a3);
                b3 = T.MultiplyAdd(q1, k, b3);
            }

            T.Store(a0, scores0 + position);
            T.Store(a1, scores0 + position + T.Width);
            T.Store(a2, scores0 + position + (2 * T.Width));
            T.Store(a3, scores0 + position + (3 * T.Width));
            T.Store(b0, scores1 + position);
            T.Store(b1, scores1 + position + T.Width);
            T.Store(b2, scores1 + position + (2 * T.Width));
            T.Store(b3, scores1 + position + (3 * T.Width));
        }

        for (; position + (2 * T.Width) <= padded; position += 2 * T.Width)
        {
            var keys0 = Keys(pages, tile, position);
            var keys1 = Keys(pages, tile, position + T.Width);
            T a0 = T.All(0f), a1 = a0, b0 = a0, b1 = a0;
            for (var i = 0; i < headSize; i++)
            {
                var q0 = T.All(query0[i]);
                var q1 = T.All(query1[i]);
                var k = T.Load(keys0 + (i * Page));
                a0 = T.MultiplyAdd(q0, k, a0);
                b0 = T.MultiplyAdd(q1, k, b0);
                k = T.Load(keys1 + (i * Page));
                a1 = T.MultiplyAdd(q0, k, a1);
                b1 = T.MultiplyAdd(q1, k, b1);
            }

            T.Store(a0, scores0 + position);
            T.Store(a1, scores0 + position + T.Width);
            T.Store(b0, scores1 + position);
            T.Store(b1, scores1 + position + T.Width);
        }

        for (; position < padded; position += T.Width)
        {
            var keys = Keys(pages, tile, position);
            T a = T.All(0f), b = a;
            for (var i = 0; i < headSize; i++)
            {
                var k = T.Load(keys + (i * Page));
                a = T.MultiplyAdd(T.All(query0[i]), k, a);
                b = T.MultiplyAdd(T.All(query1[i]), k, b);
            }

            T.Store(a, scores0 + position);
            T.Store(b, scores1 + position);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Keys(nint* pages, int tile, int position) => (float*)pages[position / Page] + tile + (position % Page);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Mix<T>(
        nint* pages, int values, int stride, int positions, float* weights0, float* weights1, int headSize, float scale0, float scale1, float* y0, float* y1)
        where T : struct, ILane<T>
    {
        var component = 0;
        for (; component + (4 * T.Width) <= headSize; component += 4 * T.Width)
        {
            T a0 = T.All(0f), a1 = a0, a2 = a0, a3 = a0, b0 = a0, b1 = a0, b2 = a0, b3 = a0;
            for (var start = 0; start < positions; start += Page)
            {
                var value = (float*)pages[start / Page] + values + component;
                var end = Math.Min(positions, start + Page);
                var next = (float*)pages[Math.Min(start + Page, positions - 1) / Page] + values + component;
                for (var position = start; position < end; position++, value += stride, next += stride)
                {
                    Fetch.Near(next);
                    Fetch.Near(next + 16);
                    var w0 = T.All(weights0[position]);
                    var w1 = T.All(weights1[position]);
                    var v = T.Load(value);
                    a0 = T.MultiplyAdd(w0, v, a0);
                    b0 = T.MultiplyAdd(w1, v, b0);
                    v = T.Load(value + T.Width);
                    a1 = T.MultiplyAdd(w0, v, a1);
                    b1 = T.MultiplyAdd(w1, v, b1);
                    v = T.Load(value + (2 * T.Width));
                    a2 = T.MultiplyAdd(w0, v, a2);
                    b2 = T.MultiplyAdd(w1, v, b2);
                    v = T.Load(value + (3 * T.Width));
                    a3 = T.MultiplyAdd(w0, v, a3);
                    b3 = T.MultiplyAdd(w1, v, b3);
                }
            }

            // The first head last: where a lone head stands for both it must win.
            T.Store(T.Multiply(b0, T.All(scale1)), y1 + component);
            T.Store(T.Multiply(b1, T.All(scale1)), y1 + component + T.Width);
            T.Store(T.Multiply(b2, T.All(scale1)), y1 + component + (2 * T.Width));
            T.Store(T.Multiply(b3, T.All(scale1)), y1 + component + (3 * T.Width));
            T.Store(T.Multiply(a0, T.All(scale0)), y0 + component);
            T.Store(T.Multiply(a1, T.All(scale0)), y0 + component + T.Width);
            T.Store(T.Multiply(a2, T.All(scale0)), y0 + component + (2 * T.Width));
            T.Store(T.Multiply(a3, T.All(scale0)), y0 + component + (3 * T.Width));
        }

        for (; component + (2 * T.Width) <= headSize; component += 2 * T.Width)
        {
            T a0 = T.All(0f), a1 = a0, b0 = a0, b1 = a0;
            for (var start = 0; start < positions; start += Page)
            {
                var value = (float*)pages[start / Page] + values + component;
                var end = Math.Min(positions, start + Page);
                for (var position = start; position < end; position++, value += stride)
                {
                    var w0 = T.All(weights0[position]);
                    var w1 = T.All(weights1[position]);
                    var v = T.Load(value);
                    a0 = T.MultiplyAdd(w0, v, a0);
                    b0 = T.MultiplyAdd(w1, v, b0);
                    v = T.Load(value + T.Width);
                    a1 = T.MultiplyAdd(w0, v, a1);
                    b1 = T.MultiplyAdd(w1, v, b1);
                }
            }

            T.Store(T.Multiply(b0, T.All(scale1)), y1 + component);
            T.Store(T.Multiply(b1, T.All(scale1)), y1 + component + T.Width);
            T.Store(T.Multiply(a0, T.All(scale0)), y0 + component);
            T.Store(T.Multiply(a1, T.All(scale0)), y0 + component + T.Width);
        }

        for (; component < headSize; component += T.Width)
        {
            T a = T.All(0f), b = a;
            for (var start = 0; start < positions; start += Page)
            {
                var value = (float*)pages[start / Page] + values + component;
                var end = Math.Min(positions, start + Page);
                for (var position = start; position < end; position++, value += stride)
                {
                    var v = T.Load(value);
                    a = T.MultiplyAdd(T.All(weights0[position]), v, a);
                    b = T.MultiplyAdd(T.All(weights1[position]), v, b);
                }
            }

            var count = Math.Min(T.Width, headSize - component);
            T.StoreFirst(T.Multiply(b, T.All(scale1)), y1 + component, count);
            T.StoreFirst(T.Multiply(a, T.All(scale0)), y0 + component, count);
        }
    }
}
