using Distributed.Engine.Kernels;
using Distributed.Engine.Model;

namespace Distributed.Engine.Training;

/// <summary>What a training step takes in native memory, as a formula; docs/engine.md has it in words.</summary>
internal static class StepMemory
{
    /// <summary>
    /// Floats of a model that trains: weights, their packed copies for both directions, two moments, and per thread a gradient and the room for
    /// one pass.
    /// </summary>
    /// <param name="config">Shape.</param>
    /// <param name="threads">Threads that train.</param>
    /// <param name="rows">Tokens of the largest pass: <see cref="SequenceRows.PerPass"/>, or the longest sequence if that is more.</param>
    /// <param name="keys">Tokens of the longest sequence.</param>
    public static long Floats(ModelConfig config, int threads, int rows, int keys)
    {
        var parameters = new ModelLayout(config).ParameterCount;
        return (3 * parameters) + Packed(config) + (threads * (parameters + Pass(config, rows, keys)));
    }

    /// <summary>Floats of one thread's pass: grows with the tokens, never with their square.</summary>
    public static long Pass(ModelConfig config, int rows, int keys) =>
        Activations.FloatsFor(config, Round(rows, 16), keepAll: true) + DecoderBackward.FloatsFor(config, Round(rows, 16)) + HeadPass.FloatsFor(config, rows)
        + AttentionScratch.FloatsFor(config.HeadSize, Round(keys, 32)) + GradientCopies(config);

    // Both directions of every matrix, in panels of 32 columns.
    private static long Packed(ModelConfig config)
    {
        int hidden = config.HiddenSize, queries = config.QueryWidth, pairs = 2 * config.KeyValueWidth, inner = config.IntermediateSize;
        var layer = Both(hidden, queries) + Both(hidden, pairs) + Both(queries, hidden) + Both(hidden, 2 * inner) + Both(inner, hidden);
        return (config.Layers * layer) + Both(hidden, config.VocabularySize);
    }

    private static long Both(int inputs, int outputs) => PackedMatrix.PanelFloats(inputs, outputs) + PackedMatrix.PanelFloats(outputs, inputs);

    // The two sides of the largest weight gradient, 128 rows at a time.
    private static long GradientCopies(ModelConfig config)
    {
        var tallest = Math.Max(Math.Max(config.VocabularySize, 2 * config.IntermediateSize), Math.Max(config.HiddenSize, config.QueryWidth));
        var widest = Math.Max(Math.Max(config.HiddenSize, config.IntermediateSize), config.QueryWidth);
        return ((long)(tallest + 12) * (GemmScratch.Depth + 2)) + PackedMatrix.PanelFloats(GemmScratch.Depth, widest);
    }

    private static int Round(int value, int to) => (value + to - 1) / to * to;
}
