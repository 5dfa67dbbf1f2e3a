using Distributed.Engine.Kernels;
using Distributed.Engine.Model;

namespace Distributed.Engine.Training;

/// <summary>One thread's sums of gradients in the layout of the trained parameters. A backward pass offers every gradient; frozen parameters let theirs go.</summary>
internal abstract unsafe class ParameterGradients(long count) : IDisposable
{
    private readonly FloatBuffer _flat = new(count);

    /// <summary>The sums.</summary>
    public float* Pointer => _flat.Pointer;

    /// <summary>Where the head's gradient is added, [V, d]; null if it is not wanted.</summary>
    public abstract float* Head { get; }

    /// <summary>Where the embedding's gradient is added, [V, d]; null if it is not wanted.</summary>
    public abstract float* Embedding { get; }

    /// <summary>Whether gradients of biases are wanted.</summary>
    public abstract bool TakesVectors { get; }

    /// <summary>Where the gradient of the norm or bias at an offset of <see cref="ModelLayout"/> is added; never null, though it may lead nowhere.</summary>
    public abstract float* Vector(long offset);

    /// <summary>Adds the gradient of a matrix.</summary>
    /// <param name="layer">Layer.</param>
    /// <param name="matrix">Which of the layer's.</param>
    /// <param name="dOutput">Gradient of its outcome, [rows, out].</param>
    /// <param name="input">What it was given, [rows, in].</param>
    /// <param name="rows">Rows.</param>
    public abstract void Matrix(int layer, LayerMatrix matrix, float* dOutput, float* input, int rows);

    public void Clear() => _flat.Clear();

    public virtual void Dispose() => _flat.Dispose();
}

/// <summary>Gradients of all parameters.</summary>
internal sealed unsafe class AllGradients(ModelLayout layout, ModelConfig config) : ParameterGradients(layout.ParameterCount)
{
    public override float* Head => Pointer + layout.Head;

    public override float* Embedding => Pointer + layout.Embedding;

    public override bool TakesVectors => true;

    public override float* Vector(long offset) => Pointer + offset;

    public override void Matrix(int layer, LayerMatrix matrix, float* dOutput, float* input, int rows)
    {
        var at = layout.Layers[layer];
        var (inputs, outputs) = (config.InputsOf(matrix), config.OutputsOf(matrix));
        if (matrix == LayerMatrix.KeyValue)
        {
            Add(at.Key, dOutput, outputs, outputs / 2, input, inputs, rows);
            Add(at.Value, dOutput + (outputs / 2), outputs, outputs / 2, input, inputs, rows);
            return;
        }

        var offset = matrix switch
        {
            LayerMatrix.Query => at.Query,
            LayerMatrix.Output => at.Output,
            LayerMatrix.GateUp => at.Gate,
            _ => at.Down,
        };
        Add(offset, dOutput, outputs, outputs, input, inputs, rows);
    }

    private void Add(long offset, float* dOutput, int ldOutput, int outputs, float* input, int inputs, int rows) =>
        Gemm.AccumulateTransposed(dOutput, ldOutput, outputs, input, inputs, inputs, rows, Pointer + offset, inputs);
}
