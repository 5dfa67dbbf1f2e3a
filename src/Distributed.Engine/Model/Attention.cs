using Distributed.Engine.Kernels;

namespace Distributed.Engine.Model;

/// <summary>
/// Causal attention with shared key/value heads over the segments of a <see cref="RowPlan"/>. A row's result has the same bits whether
/// its keys come from one sequence or from a trunk and a branch.
/// </summary>
internal static unsafe class Attention
{
    /// <param name="config">Shape.</param>
    /// <param name="plan">Who sees whom.</param>
    /// <param name="activeOnly">Queries are the plan's active rows only, back to back.</param>
    /// <param name="queries">[queries, heads * headSize], rotated.</param>
    /// <param name="keyValues">[rows, 2 * kvHeads * headSize], keys rotated.</param>
    /// <param name="output">Out: [queries, heads * headSize].</param>
    /// <param name="kept">Out if not null: [queries, heads, 2], what the backward pass needs of each softmax.</param>
    /// <param name="scratch">Working memory.</param>
    public static void Forward(
        ModelConfig config, RowPlan plan, bool activeOnly, float* queries, float* keyValues, float* output, float* kept, AttentionScratch scratch)
    {
        scratch.Reserve(plan.MostKeys);
        for (var head = 0; head < config.KeyValueHeads; head++)
            for (var s = 0; s < plan.SegmentCount; s++)
            {
                ref readonly var segment = ref plan[s];
                Pack(config, segment, head, keyValues, scratch);
                var count = activeOnly ? segment.ActiveCount : segment.Length;
                for (var first = 0; first < count; first += AttentionScratch.Block)
                {
                    var rows = Math.Min(AttentionScratch.Block, count - first);
                    Look(plan, segment, activeOnly, first, rows, scratch);
                    var row = (activeOnly ? segment.ActiveStart : segment.Start) + first;
                    for (var i = 0; i < config.HeadsPerKeyValue; i++)
                        Block(config, row, rows, (head * config.HeadsPerKeyValue) + i, queries, output, kept, scratch);
                }
            }
    }

    /// <summary>Fills <see cref="AttentionScratch.Visible"/> for a block of a segment's queries; returns the most keys one sees.</summary>
    public static int Look(RowPlan plan, in RowSegment segment, bool activeOnly, int first, int rows, AttentionScratch scratch)
    {
        scratch.Visible.Reserve(rows);
        for (var i = 0; i < rows; i++)
        {
            var own = activeOnly ? plan.ActiveRows[segment.ActiveStart + first + i] - segment.Start : first + i;
            scratch.Visible[i] = segment.Position + own + 1;
        }

        return scratch.Visible[rows - 1];
    }

    private static void Pack(ModelConfig config, in RowSegment segment, int head, float* keyValues, AttentionScratch scratch)
    {
        int size = config.HeadSize, width = 2 * config.KeyValueWidth;
        var keys = keyValues + ((long)segment.Start * width) + (head * size);
        PanelPacking.PackColumns(keys, width, size, segment.Length, scratch.KeyColumns, size, segment.Position);
        PanelPacking.PackRows(
            keys + config.KeyValueWidth, width, segment.Length, size, scratch.ValueRows + ((long)segment.Position * 32), scratch.KeyCapacity);
    }

    private static void Block(
        ModelConfig config, int row, int rows, int head, float* queries, float* output, float* kept, AttentionScratch scratch)
    {
        int size = config.HeadSize, width = config.QueryWidth, stride = scratch.ScoreStride;
        var at = ((long)row * width) + (head * size);
        // Only as many keys as the rows of one tile see.
        for (var first = 0; first < rows; first += AttentionScratch.Strip, at += AttentionScratch.Strip * width)
        {
            var count = Math.Min(AttentionScratch.Strip, rows - first);
            var keys = scratch.Visible[first + count - 1];
            Gemm.MultiplyPanels(queries + at, width, count, scratch.KeyColumns, size, size, (keys + 31) / 32 * 32, scratch.Scores, stride);
            AttentionRows.Exponentiate(
                scratch.Scores, stride, count, scratch.Visible.Pointer + first, keys, 1f / MathF.Sqrt(size), scratch.RowValues,
                kept is null ? null : kept + (2 * (((long)(row + first) * config.Heads) + head)), 2 * config.Heads);
            Gemm.MultiplyPanels(scratch.Scores, stride, count, scratch.ValueRows, scratch.KeyCapacity, keys, size, output + at, width);
            AttentionRows.Scale(output + at, width, count, size, scratch.RowValues);
        }
    }
}
