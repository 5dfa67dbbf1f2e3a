using Distributed.Engine.Kernels;

namespace Distributed.Engine.Model;

/// <summary>What one layer computes on the way forward, row-major, one row per token (in the last layer: see <see cref="RowPlan"/>).</summary>
internal unsafe struct LayerActivations
{
    /// <summary>Residual stream on entry, [rows, d].</summary>
    public float* Input;

    /// <summary>Factors of the norm before attention, [rows].</summary>
    public float* InputInverse;

    /// <summary>Normed input, [rows, d]; the same memory in all layers.</summary>
    public float* Normed;

    /// <summary>Queries before their norm, [queries, heads * headSize]; null without query norms.</summary>
    public float* RawQueries;

    /// <summary>Keys before their norm, [rows, kvHeads * headSize]; null without key norms.</summary>
    public float* RawKeys;

    /// <summary>[queries, heads].</summary>
    public float* QueryInverse;

    /// <summary>[rows, kvHeads].</summary>
    public float* KeyInverse;

    /// <summary>Rotated queries, [queries, heads * headSize].</summary>
    public float* Queries;

    /// <summary>Rotated keys and values, [rows, 2 * kvHeads * headSize].</summary>
    public float* KeyValues;

    /// <summary>Attention's outcome, [queries, heads * headSize].</summary>
    public float* Attended;

    /// <summary>Shift and factor of every softmax, [queries, heads, 2]; null when no backward pass follows.</summary>
    public float* Softmaxes;

    /// <summary>Residual stream after attention, [queries, d].</summary>
    public float* Middle;

    /// <summary>Factors of the norm before the gated unit, [queries].</summary>
    public float* MiddleInverse;

    /// <summary>Normed middle, [queries, d]; the same memory in all layers.</summary>
    public float* MiddleNormed;

    /// <summary>[queries, 2 * intermediate].</summary>
    public float* GateUp;

    /// <summary>The gated unit's outcome, [queries, intermediate]; the same memory in all layers.</summary>
    public float* Gated;

    /// <summary>Residual stream on exit, [queries, d].</summary>
    public float* Output;
}

/// <summary>
/// One thread's memory for a forward pass. With <paramref name="keepAll"/> every layer has its own (a backward pass follows), else all
/// layers share one.
/// </summary>
internal sealed unsafe class Activations(ModelConfig config, bool keepAll) : IDisposable
{
    private readonly LayerActivations[] _layers = new LayerActivations[config.Layers];
    private FloatBuffer? _memory;
    private float* _next;

    /// <summary>Rows there is room for.</summary>
    public int Capacity { get; private set; }

    /// <summary>Normed last hidden states of the active rows, [active, d].</summary>
    public float* Final { get; private set; }

    /// <summary>Factors of the final norm, [active].</summary>
    public float* FinalInverse { get; private set; }

    public AttentionScratch Attention { get; } = new(config.HeadSize);

    public ref LayerActivations this[int layer] => ref _layers[layer];

    /// <summary>Floats that <paramref name="rows"/> rows take: the formula behind the memory of a step.</summary>
    public static long FloatsFor(ModelConfig config, int rows, bool keepAll)
    {
        var norms = config.HasQueryKeyNorm ? config.QueryWidth + config.KeyValueWidth + config.Heads + config.KeyValueHeads : 0;
        var layer = (2 * config.HiddenSize) + 2 + (2 * config.QueryWidth) + (2 * config.KeyValueWidth) + (2 * config.Heads)
            + (2 * config.IntermediateSize) + norms;
        long perRow = ((keepAll ? config.Layers : 1) * layer) + (4 * config.HiddenSize) + config.IntermediateSize + 1;
        return (perRow * rows) + (16L * 20 * (config.Layers + 1));
    }

    public void Reserve(int rows)
    {
        if (rows <= Capacity)
            return;
        Capacity = Math.Max((rows + 15) / 16 * 16, Capacity * 5 / 4);
        _memory?.Dispose();
        _memory = new FloatBuffer(FloatsFor(config, Capacity, keepAll));
        _next = _memory.Pointer;
        var normed = Take(config.HiddenSize);
        var middleNormed = Take(config.HiddenSize);
        var gated = Take(config.IntermediateSize);
        Final = Take(config.HiddenSize);
        FinalInverse = Take(1);
        var input = Take(config.HiddenSize);
        for (var layer = 0; layer < config.Layers; layer++)
        {
            if (layer > 0 && !keepAll)
            {
                // The output may overwrite the input: nothing reads the input once the middle of the layer is known.
                _layers[layer] = _layers[0];
                continue;
            }

            ref var l = ref _layers[layer];
            l.Input = input;
            l.InputInverse = Take(1);
            l.Normed = normed;
            l.RawQueries = config.HasQueryKeyNorm ? Take(config.QueryWidth) : null;
            l.RawKeys = config.HasQueryKeyNorm ? Take(config.KeyValueWidth) : null;
            l.QueryInverse = config.HasQueryKeyNorm ? Take(config.Heads) : null;
            l.KeyInverse = config.HasQueryKeyNorm ? Take(config.KeyValueHeads) : null;
            l.Queries = Take(config.QueryWidth);
            l.KeyValues = Take(2 * config.KeyValueWidth);
            l.Attended = Take(config.QueryWidth);
            l.Softmaxes = keepAll ? Take(2 * config.Heads) : null;
            l.Middle = Take(config.HiddenSize);
            l.MiddleInverse = Take(1);
            l.MiddleNormed = middleNormed;
            l.GateUp = Take(2 * config.IntermediateSize);
            l.Gated = gated;
            l.Output = keepAll ? Take(config.HiddenSize) : l.Input;
            input = l.Output;
        }
    }

    public void Dispose()
    {
        Attention.Dispose();
        _memory?.Dispose();
    }

    private float* Take(int width)
    {
        var taken = _next;
        _next += (((long)width * Capacity) + 15) / 16 * 16;
        return taken;
    }
}
