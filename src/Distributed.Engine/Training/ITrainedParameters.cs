using Distributed.Engine.Model;

namespace Distributed.Engine.Training;

/// <summary>What a trainer changes, and how a model comes to compute with it.</summary>
internal interface ITrainedParameters
{
    /// <summary>The parameters.</summary>
    FlatParameters Flat { get; }

    /// <summary>Makes what a backward pass needs, once.</summary>
    void PrepareBackward();

    /// <summary>One thread's gradients, zero.</summary>
    ParameterGradients NewGradients();

    /// <summary>How many parts <see cref="RepackPart"/> knows; different parts may be packed by different threads at once.</summary>
    int PartCount { get; }

    /// <summary>Takes changed parameters into the model.</summary>
    void RepackPart(int part);
}

/// <summary>All parameters of a model.</summary>
internal sealed class AllParameters(PackedModel model) : ITrainedParameters
{
    public FlatParameters Flat => model.Weights;

    public int PartCount => model.PartCount;

    public void PrepareBackward() => model.PrepareBackward();

    public ParameterGradients NewGradients() => new AllGradients(model.Weights.Layout, model.Config);

    public void RepackPart(int part) => model.RepackPart(part);
}
