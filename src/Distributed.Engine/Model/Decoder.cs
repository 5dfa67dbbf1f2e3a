using System.Runtime.CompilerServices;
using Distributed.Engine.Kernels;

namespace Distributed.Engine.Model;

/// <summary>The forward pass over a <see cref="RowPlan"/>, on the calling thread.</summary>
internal static unsafe class Decoder
{
    /// <summary>Computes <see cref="Activations.Final"/> for the plan's active rows.</summary>
    public static void Forward(PackedModel model, RowPlan plan, Activations activations)
    {
        var config = model.Config;
        activations.Reserve(plan.Rows);
        Embed(model, plan, activations[0].Input);
        for (var layer = 0; layer < config.Layers; layer++)
        {
            var last = layer == config.Layers - 1;
            ref var a = ref activations[layer];
            Attend(model, plan, model.Layers[layer], last, ref a, activations.Attention);
            GatedUnit(config, model.Layers[layer], last ? plan.ActiveCount : plan.Rows, ref a);
        }

        RmsNorm.Forward(
            activations[config.Layers - 1].Output, config.HiddenSize, plan.ActiveCount, config.HiddenSize,
            model.FinalNorm, config.NormEpsilon, activations.Final, config.HiddenSize, activations.FinalInverse);
    }

    /// <summary>Copies the rows of <paramref name="from"/> that are active together; it may be the same memory.</summary>
    public static void Gather(RowPlan plan, float* from, float* to, int width)
    {
        for (var i = 0; i < plan.ActiveCount; i++)
            if (plan.ActiveRows[i] != i || from != to)
                Unsafe.CopyBlockUnaligned(to + ((long)i * width), from + ((long)plan.ActiveRows[i] * width), (uint)width * sizeof(float));
    }

    private static void Embed(PackedModel model, RowPlan plan, float* to)
    {
        for (var row = 0; row < plan.Rows; row++)
            model.Embed(plan.Tokens[row], to + ((long)row * model.Config.HiddenSize));
    }

    private static void Attend(PackedModel model, RowPlan plan, PackedLayer layer, bool last, ref LayerActivations a, AttentionScratch scratch)
    {
        var config = model.Config;
        int hidden = config.HiddenSize, queryWidth = config.QueryWidth, pairWidth = 2 * config.KeyValueWidth, size = config.HeadSize;
        RmsNorm.Forward(a.Input, hidden, plan.Rows, hidden, layer.InputNorm, config.NormEpsilon, a.Normed, hidden, a.InputInverse);

        Gemm.Multiply(a.Normed, hidden, plan.Rows, layer.KeyValue, a.KeyValues, pairWidth, layer.KeyValueBias);
        if (config.HasQueryKeyNorm)
            NormKeys(config, plan.Rows, layer, ref a);
        Rotary.Apply(
            a.KeyValues, pairWidth, plan.Rows, config.KeyValueHeads, size, plan.Positions, model.Rotary.Cosines, model.Rotary.Sines);

        var queries = last ? plan.ActiveCount : plan.Rows;
        if (last)
            Gather(plan, a.Normed, a.Normed, hidden);
        Gemm.Multiply(a.Normed, hidden, queries, layer.Query, config.HasQueryKeyNorm ? a.RawQueries : a.Queries, queryWidth, layer.QueryBias);
        if (config.HasQueryKeyNorm)
            RmsNorm.Forward(a.RawQueries, size, queries * config.Heads, size, layer.QueryNorm, config.NormEpsilon, a.Queries, size, a.QueryInverse);
        Rotary.Apply(
            a.Queries, queryWidth, queries, config.Heads, size, last ? plan.ActivePositions : plan.Positions, model.Rotary.Cosines, model.Rotary.Sines);

        Attention.Forward(config, plan, last, a.Queries, a.KeyValues, a.Attended, a.Softmaxes, scratch);
        if (last)
        {
            Gather(plan, a.Input, a.Middle, hidden);
            Gemm.Multiply(a.Attended, queryWidth, queries, layer.Output, a.Middle, hidden, a.Middle, hidden);
        }
        else
        {
            Gemm.Multiply(a.Attended, queryWidth, queries, layer.Output, a.Middle, hidden, a.Input, hidden);
        }
    }

    // The keys stand in every other half of a row, so they are copied out before they are normed back into place.
    private static void NormKeys(ModelConfig config, int rows, PackedLayer layer, ref LayerActivations a)
    {
        int width = config.KeyValueWidth, size = config.HeadSize;
        for (var row = 0; row < rows; row++)
        {
            var raw = a.RawKeys + ((long)row * width);
            var keys = a.KeyValues + ((long)row * 2 * width);
            Unsafe.CopyBlockUnaligned(raw, keys, (uint)width * sizeof(float));
            RmsNorm.Forward(
                raw, size, config.KeyValueHeads, size, layer.KeyNorm, config.NormEpsilon, keys, size, a.KeyInverse + ((long)row * config.KeyValueHeads));
        }
    }

    private static void GatedUnit(ModelConfig config, PackedLayer layer, int rows, ref LayerActivations a)
    {
        int hidden = config.HiddenSize, inner = config.IntermediateSize;
        RmsNorm.Forward(a.Middle, hidden, rows, hidden, layer.PostNorm, config.NormEpsilon, a.MiddleNormed, hidden, a.MiddleInverse);
        Gemm.Multiply(a.MiddleNormed, hidden, rows, layer.GateUp, a.GateUp, 2 * inner);
        SwiGlu.Forward(a.GateUp, 2 * inner, rows, inner, a.Gated, inner);
        Gemm.Multiply(a.Gated, inner, rows, layer.Down, a.Output, hidden, a.Middle, hidden);
    }
}
