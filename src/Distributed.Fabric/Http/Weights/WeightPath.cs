using System.Globalization;
using Distributed.Actors.Ports;
using Distributed.Protocol;

namespace Distributed.Fabric.Http.Weights;

/// <summary>The path of an image: <c>/weights/EPOCH/VERSION</c>, or <c>/weights/EPOCH/VERSION/since/VERSION</c> for a delta.</summary>
public static class WeightPath
{
    /// <summary>Route of whole images.</summary>
    public const string Whole = "/weights/{epoch:long}/{version:long}";

    /// <summary>Route of deltas.</summary>
    public const string Delta = Whole + "/since/{since:long}";

    /// <summary>The path of an image.</summary>
    public static string Of(WeightImage image)
    {
        var whole = string.Create(CultureInfo.InvariantCulture, $"/weights/{image.Epoch.Value}/{image.Version.Value}");
        return image.Since is { } since ? string.Create(CultureInfo.InvariantCulture, $"{whole}/since/{since.Value}") : whole;
    }

    /// <summary>The image at a route's values.</summary>
    public static WeightImage Image(long epoch, long version, long? since) =>
        new(new LearnerEpoch(epoch), new PolicyVersion(version), since is { } value ? new PolicyVersion(value) : null);
}
