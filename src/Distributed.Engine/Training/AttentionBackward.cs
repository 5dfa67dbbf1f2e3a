using Distributed.Engine.Kernels;
using Distributed.Engine.Model;

namespace Distributed.Engine.Training;

/// <summary>Gradient of <see cref="Attention"/> on trunks. Probabilities are computed again from what the softmaxes left, a block of queries at a time.</summary>
internal static unsafe class AttentionBackward
{
    /// <param name="config">Shape.</param>
    /// <param name="plan">Trunks only.</param>
    /// <param name="activeOnly">Queries are the active rows.</param>
    /// <param name="a">What the forward pass left.</param>
    /// <param name="dAttended">[queries, heads * headSize].</param>
    /// <param name="dQueries">Out: [queries, heads * headSize].</param>
    /// <param name="dKeyValues">Out: [rows, 2 * kvHeads * headSize].</param>
    /// <param name="scratch">Working memory.</param>
    public static void Run(
        ModelConfig config, RowPlan plan, bool activeOnly, in LayerActivations a, float* dAttended, float* dQueries, float* dKeyValues,
        AttentionScratch scratch)
    {
        new Span<float>(dKeyValues, plan.Rows * 2 * config.KeyValueWidth).Clear();
        for (var head = 0; head < config.KeyValueHeads; head++)
            for (var s = 0; s < plan.SegmentCount; s++)
            {
                ref readonly var segment = ref plan[s];
                var count = activeOnly ? segment.ActiveCount : segment.Length;
                if (count == 0)
                    continue;
                Pack(config, segment, head, a.KeyValues, scratch);
                for (var first = 0; first < count; first += AttentionScratch.Block)
                {
                    var rows = Math.Min(AttentionScratch.Block, count - first);
                    var keys = Attention.Look(plan, segment, activeOnly, first, rows, scratch);
                    var row = (activeOnly ? segment.ActiveStart : segment.Start) + first;
                    for (var i = 0; i < config.HeadsPerKeyValue; i++)
                        Block(config, segment, row, rows, head, i, keys, a, dAttended, dQueries, dKeyValues, scratch);
                }
            }
    }

    private static void Pack(ModelConfig config, in RowSegment segment, int head, float* keyValues, AttentionScratch scratch)
    {
        int size = config.HeadSize, width = 2 * config.KeyValueWidth;
        var keys = keyValues + ((long)segment.Start * width) + (head * size);
        PanelPacking.PackColumns(keys, width, size, segment.Length, scratch.KeyColumns, size, 0);
        PanelPacking.PackColumns(keys + config.KeyValueWidth, width, size, segment.Length, scratch.ValueColumns, size, 0);
        PanelPacking.PackRows(keys, width, segment.Length, size, scratch.KeyRows, scratch.KeyCapacity);
    }

    private static void Block(
        ModelConfig config, in RowSegment segment, int row, int rows, int keyHead, int member, int keys, in LayerActivations a,
        float* dAttended, float* dQueries, float* dKeyValues, AttentionScratch scratch)
    {
        int size = config.HeadSize, width = config.QueryWidth, pairWidth = 2 * config.KeyValueWidth, stride = scratch.ScoreStride;
        var head = (keyHead * config.HeadsPerKeyValue) + member;
        var at = ((long)row * width) + (head * size);
        var padded = (keys + 31) / 32 * 32;
        for (var first = 0; first < rows; first += AttentionScratch.Strip)
        {
            var count = Math.Min(AttentionScratch.Strip, rows - first);
            var seen = (scratch.Visible[first + count - 1] + 31) / 32 * 32;
            long from = at + ((long)first * width), to = (long)first * stride;
            Gemm.MultiplyPanels(a.Queries + from, width, count, scratch.KeyColumns, size, size, seen, scratch.Scores + to, stride);
            Gemm.MultiplyPanels(dAttended + from, width, count, scratch.ValueColumns, size, size, seen, scratch.ScoreGradients + to, stride);
        }

        AttentionRows.Dots(a.Attended + at, width, dAttended + at, width, rows, size, scratch.RowValues);
        AttentionRows.Gradient(
            scratch.Scores, scratch.ScoreGradients, stride, rows, scratch.Visible.Pointer, padded, 1f / MathF.Sqrt(size),
            a.Softmaxes + (2 * (((long)row * config.Heads) + head)), 2 * config.Heads, scratch.RowValues);

        var dKeys = dKeyValues + ((long)segment.Start * pairWidth) + (keyHead * size);
        for (var first = 0; first < rows; first += AttentionScratch.Strip)
        {
            var count = Math.Min(AttentionScratch.Strip, rows - first);
            Gemm.MultiplyPanels(
                scratch.ScoreGradients + ((long)first * stride), stride, count, scratch.KeyRows, scratch.KeyCapacity, scratch.Visible[first + count - 1],
                size, dQueries + at + ((long)first * width), width);
        }

        Gemm.AccumulateTransposed(scratch.ScoreGradients, stride, keys, a.Queries + at, width, size, rows, dKeys, pairWidth);
        Gemm.AccumulateTransposed(scratch.Scores, stride, keys, dAttended + at, width, size, rows, dKeys + config.KeyValueWidth, pairWidth);
    }
}
